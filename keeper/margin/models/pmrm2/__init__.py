"""PMRM_2, the portfolio margin of the Derive v2 contracts, computed from its published formulas.

Source of formulas and terms: derivexyz/v2-core, `PMRM_2.sol` and `PMRMLib_2.sol`; written anew, in
`float64` and from the same pricing kernels as the main model. docs/model.md lists the formulas.

`inputs` what a case consists of, `document` reads it from decoded JSON and `published` its results,
`shocks` the vols of each scenario, `valuation` values by scenario and expiry, `contingencies` what
is added to the worst loss, `margins` the two requirements, `vectors` the comparison with the
results.
"""

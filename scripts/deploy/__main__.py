"""`python -m scripts.deploy TERMS.toml --rpc URL`: deploy, hand over to the timelock, verify.

Without --send nothing is sent: the terms are read, what they name on the chain is looked at, and
the plan is printed. With --send and a keystore all contracts are deployed, every owner becomes the
timelock, and what stands is verified. With --verify FILE an earlier deployment is verified alone.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import astuple
from pathlib import Path

from eth_utils.address import to_checksum_address

from keeper.chain.artifacts import Artifacts
from keeper.chain.client import ChainClient
from keeper.chain.deployment import Contract, Deployment
from keeper.chain.model_file import read_model
from keeper.devnet.deployment import create, place
from keeper.devnet.terms import NO_ADDRESS, Terms
from keeper.devnet.wallet import Wallet
from keeper.errors import ConfigError, KeeperError, VerificationMismatch
from keeper.margin.scenarios import Model
from keeper.tx.signers.keystore import KeystoreSigner
from scripts.deploy.terms_file import Governance, read_terms
from scripts.deploy.verify import mismatches, owned


def main() -> None:
    """Do as the arguments say; end with the error's own exit code."""
    arguments = _arguments()
    try:
        _run(arguments)
    except KeeperError as error:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__)
    parser.add_argument("terms", type=Path, metavar="TERMS.toml")
    parser.add_argument("--rpc", required=True, metavar="URL")
    parser.add_argument("--send", action="store_true", help="really deploy")
    parser.add_argument("--keystore", type=Path, help="of the deployer, v3")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--out", type=Path, help="where the deployment file goes")
    parser.add_argument("--verify", type=Path, metavar="FILE", help="a deployment to verify")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> None:
    model = read_model()
    terms, governance = read_terms(arguments.terms, model)
    client = ChainClient.connect(arguments.rpc, Artifacts.load())
    _require_outside(client, terms)
    if arguments.verify is not None:
        _require_no_mismatch(client, Deployment.load(arguments.verify), model, terms, governance)
    elif arguments.send:
        deployment = _deployed(client, arguments, model, terms, governance)
        path = arguments.out or Path("config") / "deployments" / f"{client.chain_id}.json"
        deployment.save(path)
        print(f"written: {path}")
        _require_no_mismatch(client, deployment, model, terms, governance)
    else:
        print(_plan(client, terms, governance))


def _require_outside(client: ChainClient, terms: Terms) -> None:
    """Refuse terms that name an address without code."""
    at = client.head()
    named = {"usd_coin": terms.usd_coin}
    for what, address in (
        ("coin.feed", terms.coin_feed[0]),
        ("sequencer.feed", terms.sequencer_feed),
    ):
        if address != NO_ADDRESS:
            named[what] = address
    for underlying, listed in terms.underlyings.items():
        named[f"aggregator of {underlying}"] = listed.aggregator
        if listed.token is not None:
            named[f"token of {underlying}"] = listed.token
    for what, address in named.items():
        if not client.code(Contract(what, to_checksum_address(address)), at):
            raise ConfigError(
                f"terms: {what} is {address}, where chain {client.chain_id} has no code"
            )


def _plan(client: ChainClient, terms: Terms, governance: Governance) -> str:
    return "\n".join(
        (
            f"dry run on chain {client.chain_id}; --send does it",
            f"dollars    {terms.usd_coin}",
            f"underlying {', '.join(map(str, sorted(terms.underlyings)))}",
            f"margin     {terms.margin.threshold} of {len(terms.margin.signers)}",
            f"feeds      {terms.feeds.threshold} of {len(terms.feeds.signers)}",
            f"guardian   {terms.guardian}",
            f"timelock   {governance.delay_seconds / 86_400:g} days, proposed by "
            + ", ".join(governance.proposers),
        )
    )


def _deployed(
    client: ChainClient,
    arguments: argparse.Namespace,
    model: Model,
    terms: Terms,
    governance: Governance,
) -> Deployment:
    if arguments.keystore is None or arguments.password_file is None:
        raise ConfigError(
            "--send needs --keystore and --password-file: the deployer pays and signs"
        )
    wallet = Wallet(client, KeystoreSigner.load(arguments.keystore, arguments.password_file))
    deployment = place(wallet, model, terms)
    hand_over(wallet, deployment, governance)
    return deployment


def hand_over(wallet: Wallet, deployment: Deployment, governance: Governance) -> Contract:
    """Deploy the timelock and make it the owner of everything; the wallet keeps nothing."""
    proposers = list(governance.proposers)
    guard = deployment.guard.address
    timelock = create(wallet, "Timelock", governance.delay_seconds, proposers, guard)
    contracts = owned(deployment)
    for contract in contracts:
        wallet.send(contract, "transferOwnership", timelock.address)
    wallet.send(timelock, "accept", [contract.address for contract in contracts])
    return timelock


def _require_no_mismatch(
    client: ChainClient,
    deployment: Deployment,
    model: Model,
    terms: Terms,
    governance: Governance,
) -> None:
    found = mismatches(client, deployment, model, terms, governance)
    for mismatch in found:
        name, contract, what, expected, answer = astuple(mismatch)
        tail = "" if expected is None else f": expected {expected}, found {answer}"
        print(f"{name} {contract} {what}{tail}")
    if found:
        raise VerificationMismatch(f"{len(found)} differences: do not use this deployment")
    print("verified: code, connections, parameters, owners, guardian, signers, roles")


if __name__ == "__main__":
    main()

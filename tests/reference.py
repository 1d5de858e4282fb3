"""The margin model a second time: from docs/model.md alone, in mpmath and fractions.

Slow and literal. Nothing of `keeper` is called; rows and ids are only read. Each figure is rounded
where the page says so, so that results compare as equal integers.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import mpmath as mp

from tests.reference_history import PastDays, term_shift

mp.mp.dps = 40
YEAR = 365 * 86400
SHIFTS = ("flat", "front", "twist", "skew", "curvature")


class Reference:
    """One exchange at one moment, without expired listings."""

    def __init__(
        self,
        model_text: str,
        underlyings: Any,
        forwards: Any,
        now: int,
        *,
        open_interest: int | Mapping[int, int] = 1_000_000,
        settlement_price_e8: int | None = None,
    ) -> None:
        self.model = tomllib.loads(model_text)
        table = self.model["scenarios"]
        self.scenarios = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
        self.now = now
        self.open_interest, self.settlement_price_e8 = open_interest, settlement_price_e8
        self.risk = {row["underlying"]: row for row in self.model["underlyings"]}
        self.underlying = {row.underlying: row for row in underlyings}
        self.forward_row = {(row.underlying, row.expiry): row for row in forwards}
        self.past = PastDays(self.model)
        # Slow to compute, the same for every account.
        self.known_pnl: dict[int, list[int]] = {}
        self.known_days: dict[int, list[tuple[mp.mpf, mp.mpf]]] = {}
        self.known_past_pnl: dict[int, list[int]] = {}

    def rate(self, underlying: int, name: str) -> Fraction:
        return Fraction(Decimal(self.risk[underlying][name]))

    def spot(self, underlying: int) -> Fraction:
        return Fraction(self.underlying[underlying].spot_e8, 10**8)

    def lot(self, underlying: int) -> Fraction:
        return Fraction(self.underlying[underlying].lot_wad, 10**18)

    def reference(self, instrument: int) -> Fraction:
        underlying, expiry, kind, _ = fields(instrument)
        if kind == 1:
            return self.spot(underlying)
        e8 = self.underlying[underlying].spot_e8 * self.forward_row[underlying, expiry].ratio_wad
        return Fraction(e8 // 10**18, 10**8)

    def mark(self, instrument: int, scenario: Mapping[str, Any] | None = None) -> mp.mpf:
        """Value a unit, now or after a scenario, before its weight."""
        _, expiry, kind, strike = fields(instrument)
        reference = real(self.reference(instrument))
        seconds = max(expiry - self.now, 0)
        if kind <= 3:
            move = self.move(instrument, scenario) if scenario else 0
            return reference * (1 + move)
        years, variance = mp.mpf(seconds) / YEAR, self.variance(instrument)
        moneyness, vol = mp.log(real(strike) / reference), mp.sqrt(variance)
        if scenario is not None:
            z = moneyness / mp.sqrt(variance * years) if seconds else mp.mpf(0)
            vol *= mp.exp(self.shift(instrument, scenario, clamp(z, "-2.5", "2.5")))
            reference *= 1 + self.move(instrument, scenario)
            years = mp.mpf(max(seconds - scenario["clock_seconds"], 0)) / YEAR
        return black(reference, real(strike), vol, years, 1 if kind == 4 else -1)

    def variance(self, instrument: int) -> mp.mpf:
        """Variance a year at the strike."""
        underlying, expiry, _, strike = fields(instrument)
        row = self.forward_row[underlying, expiry]
        a, b, rho, m, sigma = (
            mp.mpf(getattr(row, n)) / 10**18 for n in ("a", "b", "rho", "m", "sigma")
        )
        distance = mp.log(real(strike) / real(self.reference(instrument))) - m
        variance = a + b * (rho * distance + mp.sqrt(distance**2 + sigma**2))
        return clamp(variance, "0.0001", "25")

    def aimed(self, instrument: int, scenario: Mapping[str, Any], name: str) -> mp.mpf:
        """A column that `focus` splits, as a fraction."""
        meant = scenario["focus"] in (0, fields(instrument)[0])
        return mp.mpf(scenario[name if meant else f"others_{name}"]) / 10**4

    def move(self, instrument: int, scenario: Mapping[str, Any]) -> mp.mpf:
        """Relative move of spot and forward."""
        underlying, expiry, kind, _ = fields(instrument)
        scan = mp.mpf(self.underlying[underlying].scan_range_wad) / 10**18
        move = self.aimed(instrument, scenario, "spot_bps") * scan
        hours = max(mp.mpf(expiry - self.now), 0) / 3600
        if scenario["rolls"] and kind >= 3:
            move *= 1 + mp.sqrt(min(hours / (365 * 24), 1)) / 10
        move = clamp(move, "-0.9", "5")
        if scenario["rolls"] and kind >= 3:
            move *= 1 - clamp((30 - hours) / 6, 0, 1)
        return move

    def shift(self, instrument: int, scenario: Mapping[str, Any], z: mp.mpf) -> mp.mpf:
        """Change of ln vol at a strike `z` deviations from the forward."""
        underlying, expiry, _, _ = fields(instrument)
        share = {name: mp.mpf(scenario[f"{name}_bps"]) / 10**4 for name in SHIFTS}
        vol = self.aimed(instrument, scenario, "vol_bps")
        days = mp.mpf(expiry - self.now) / 86400
        t = max(days - mp.mpf(scenario["clock_seconds"]) / 86400, mp.mpf("0.8"))

        def level(rises: bool) -> mp.mpf:
            return real(self.rate(underlying, "vol_up" if rises else "vol_down"))

        shift = vol * level(vol > 0) * mp.sqrt(30 / t)
        shift += share["flat"] * level(share["flat"] > 0) * (30 / t) ** mp.mpf("0.2")
        shift += share["front"] * clamp((5 - days) / 3, 0, 1)
        g = clamp(mp.log(t / 30) / mp.log(30), -1, 1)
        shift -= share["twist"] * g * ((30 / t) ** mp.mpf("0.4") if g < 0 else 1)
        shift += (share["skew"] * z + share["curvature"] * abs(z)) * min(mp.sqrt(30 / t), 3)
        return clamp(shift, "-1.2", "1.2")

    def per_lot(self, instrument: int, amount: mp.mpf) -> int:
        lot = real(self.lot(fields(instrument)[0]))
        return int(mp.nint(amount * lot * 10**6))

    def pnl(self, instrument: int) -> list[int]:
        if instrument not in self.known_pnl:
            self.known_pnl[instrument] = self.compute_pnl(instrument)
        return self.known_pnl[instrument]

    def compute_pnl(self, instrument: int) -> list[int]:
        mark = self.mark(instrument)
        return [
            self.per_lot(
                instrument, mp.mpf(s["weight_bps"]) / 10**4 * (self.mark(instrument, s) - mark)
            )
            for s in self.scenarios
        ]

    def days(self, underlying: int) -> list[tuple[mp.mpf, mp.mpf]]:
        if underlying not in self.known_days:
            scan = mp.mpf(self.underlying[underlying].scan_range_wad) / 10**18
            sigma = scan / mp.mpf(self.model["scan"]["kappa"])
            self.known_days[underlying] = self.past.days(self.risk[underlying], sigma)
        return self.known_days[underlying]

    def past_pnl(self, instrument: int) -> list[int]:
        """What a lot gains on each past day, in today's volatility or raw, a day later."""
        if instrument not in self.known_past_pnl:
            underlying, expiry, _, _ = fields(instrument)
            left = max(expiry - self.now - 86400, 0)
            exponent, now = self.model["shortfall"]["vol_exponent"], self.mark(instrument)
            self.known_past_pnl[instrument] = [
                self.per_lot(
                    instrument,
                    self.after(instrument, move, term_shift(answer, exponent, left), left) - now,
                )
                for move, answer in self.days(underlying)
            ]
        return self.known_past_pnl[instrument]

    def after(self, instrument: int, move: mp.mpf, shift: mp.mpf, left: int) -> mp.mpf:
        """Value a unit after a move of prices and of ln vol, with seconds left."""
        _, _, kind, strike = fields(instrument)
        reference = real(self.reference(instrument)) * (1 + move)
        if kind <= 3:
            return reference
        vol = mp.sqrt(self.variance(instrument)) * mp.exp(shift)
        return black(reference, real(strike), vol, mp.mpf(left) / YEAR, 1 if kind == 4 else -1)

    def standard(self, instrument: int, lots: int) -> int:
        """Standard margin of one lot, rounded up."""
        underlying, _, kind, strike = fields(instrument)
        forward, lot = self.reference(instrument), self.lot(underlying)
        if kind <= 3:
            return math.ceil(self.rate(underlying, "linear_rate") * forward * lot * 10**6)
        mark = self.per_lot(instrument, self.mark(instrument))
        if lots > 0:
            return mark
        rate, floor = self.rate(underlying, "option_rate"), self.rate(underlying, "option_floor")
        if kind == 4:
            unit = max(rate * forward - max(strike - forward, 0), floor * forward)
            return math.ceil(unit * lot * 10**6)
        unit = max(rate * forward - max(forward - strike, 0), floor * min(strike, forward))
        return math.ceil(min(unit * lot * 10**6, max(strike * lot * 10**6 - mark, 0)))

    def charge(self, name: str) -> Fraction:
        """A number of the table [add_ons]; text is decimal."""
        return Fraction(Decimal(self.model["add_ons"][name]))

    def spot_rate(self, instrument: int, rate: Fraction) -> int:
        """A rate of the spot of a lot, as wad up, then as micro-dollars up."""
        underlying, *_ = fields(instrument)
        in_wad = Fraction(math.ceil(rate * 10**18), 10**18)
        return math.ceil(in_wad * self.spot(underlying) * self.lot(underlying) * 10**6)

    def delta_and_vega(self, instrument: int) -> tuple[mp.mpf, mp.mpf]:
        """Change per unit of forward, and per doubling of vol as a share of the forward."""
        _, expiry, kind, strike = fields(instrument)
        if kind <= 3:
            return mp.mpf(1), mp.mpf(0)
        years = mp.mpf(expiry - self.now) / YEAR
        deviation = mp.sqrt(self.variance(instrument) * years)
        d1 = mp.log(real(self.reference(instrument)) / real(strike)) / deviation + deviation / 2
        return mp.ncdf(d1) - (0 if kind == 4 else 1), min(deviation * mp.npdf(d1), mp.mpf(1))

    def netted_cells(self, instrument: int) -> tuple[int, int]:
        """Basis and vega of a long lot, to nearest."""
        underlying, expiry, kind, _ = fields(instrument)
        if kind == 1:
            return 0, 0
        basis = self.charge("basis_perpetual")
        if kind > 2:
            seconds = min(expiry - self.now, self.model["add_ons"]["basis_longest_seconds"])
            root = math.isqrt(seconds * 10**36 // YEAR) + 1
            basis = Fraction(math.ceil(self.charge("basis") * root), 10**18)
        delta, vega = self.delta_and_vega(instrument)
        unit = real(self.reference(instrument) * self.lot(underlying) * 10**6)

        def cell(sensitivity: mp.mpf, rate: Fraction) -> int:
            size = int(mp.floor(abs(sensitivity) * real(rate) * unit + mp.mpf("0.5")))
            return size if sensitivity >= 0 else -size

        return cell(delta, basis), cell(vega, self.charge("vega"))

    def rate_cells(self, instrument: int) -> tuple[int, int, int, int]:
        """Concentration, confidence, depeg and, for a short lot, pin."""
        underlying, expiry, kind, strike = fields(instrument)
        seconds, wad = max(expiry - self.now, 0), 10**18
        far = seconds > self.model["add_ons"]["liquidity_term_seconds"]
        found = self.open_interest
        lots = found if isinstance(found, int) else found[instrument]
        open_usd6 = lots * self.spot_rate(instrument, Fraction(1))
        thin = self.charge("concentration_most")
        if open_usd6:
            depth = self.model["add_ons"]["concentration_depth_usd"] * 10**6
            root = Fraction(math.isqrt(depth * wad**2 // open_usd6), wad)
            thin = min(max(root, Fraction(1)), thin)
        row = self.forward_row.get((underlying, expiry)) if kind > 1 else None
        unsure = Fraction(min(row.confidence_wad, wad), wad) if row else Fraction(0)
        unsure = max(unsure - self.charge("confidence_threshold"), Fraction(0))
        missing = Fraction(0)
        if self.settlement_price_e8 is not None:
            price = Fraction(self.settlement_price_e8, 10**8)
            missing = max(self.charge("depeg_threshold") - price, Fraction(0))
        pin, window = Fraction(0), self.model["add_ons"]["pin_seconds"]
        if kind >= 4:
            forward = self.reference(instrument)
            near = 1 - abs(strike - forward) / (self.charge("pin_width") * forward)
            share = Fraction(max(window - seconds, 0), window) * max(near, Fraction(0))
            pin = self.charge("pin") * share
        rates = (
            self.charge("liquidity_far" if far else "liquidity_near") * thin,
            unsure * self.charge("confidence_factor"),
            missing * self.charge("depeg_factor"),
            pin,
        )
        concentration, confidence, depeg, short = (self.spot_rate(instrument, x) for x in rates)
        return concentration, confidence, depeg, short

    def initial_add_ons(self, legs: Mapping[int, int]) -> dict[str, int]:
        """Every add-on of initial margin for one account."""
        rates = {i: self.rate_cells(i) for i in legs}
        terms: dict[tuple[int, int], list[int]] = {}
        for i, n in legs.items():
            net = terms.setdefault(fields(i)[:2], [0, 0])
            for which, cell in enumerate(self.netted_cells(i)):
                net[which] += n * cell
        return {
            "concentration": sum(abs(n) * rates[i][0] for i, n in legs.items()),
            "basis": sum(abs(basis) for basis, _ in terms.values()),
            "vega": sum(abs(vega) for _, vega in terms.values()),
            "confidence": sum(abs(n) * rates[i][1] for i, n in legs.items()),
            "depeg": sum(abs(n) * rates[i][2] for i, n in legs.items()),
            "pin": sum(-n * rates[i][3] for i, n in legs.items() if n < 0),
        }

    def figures(
        self, legs: Mapping[int, int], cash: int = 0, costs: Mapping[int, int] | None = None
    ) -> dict[str, int]:
        """Every figure of the Aggregation table for one account."""
        factors = {name: Fraction(bps, 10**4) for name, bps in self.model["factors"].items()}
        spot_lot = {i: self.spot(fields(i)[0]) * self.lot(fields(i)[0]) * 10**6 for i in legs}
        gross = sum(abs(n) * math.ceil(spot_lot[i]) for i, n in legs.items())
        minimum = factors["short_option_minimum_bps"]
        add_ons = sum(
            -n * math.ceil(minimum * spot_lot[i])
            for i, n in legs.items()
            if n < 0 and fields(i)[2] >= 4
        )
        long_options = {i: n for i, n in legs.items() if n > 0 and fields(i)[2] >= 4}
        paid = sum(abs(n) * self.standard(i, n) for i, n in long_options.items())
        others = sum(abs(n) * self.standard(i, n) for i, n in legs.items() if i not in long_options)
        pnl = {i: self.pnl(i) for i in legs}
        losses = [-sum(n * pnl[i][s] for i, n in legs.items()) for s in range(len(self.scenarios))]
        worst = max(0, *losses)
        charge = sum(
            min(
                math.ceil(factors["minimum_charge_bps"] * abs(n) * math.ceil(spot_lot[i])),
                math.ceil(factors["minimum_charge_standard_bps"] * abs(n) * self.standard(i, n)),
            )
            for i, n in legs.items()
        )
        past = {i: self.past_pnl(i) for i in legs}
        days = len(next(iter(past.values())))
        tail = self.past.risk_of(
            [-sum(n * past[i][d] for i, n in legs.items()) for d in range(days)]
        )
        scaled = factors["initial_bps"] * max(worst, charge, tail["shortfall_usd6"])
        on_top = sum(self.initial_add_ons(legs).values())
        value = sum(n * self.per_lot(i, self.mark(i)) for i, n in legs.items())
        return {
            "collateral_usd6": 0,
            "equity_usd6": cash - sum((costs or {}).values()) + value,
            "standard_usd6": paid + others + add_ons,
            "standard_initial_usd6": math.ceil(factors["initial_bps"] * others) + paid + add_ons,
            "gross_usd6": gross,
            "add_ons_usd6": add_ons,
            "initial_add_ons_usd6": on_top,
            "minimum_charge_usd6": charge,
            "worst_loss_usd6": worst,
            "worst_scenario": losses.index(worst) if worst > 0 else 0,
            **tail,
            "maintenance_usd6": max(math.ceil(factors["maintenance_bps"] * worst), charge)
            + add_ons,
            "initial_usd6": math.ceil(scaled) + add_ons + on_top + sum(map(abs, legs.values())),
        }


def fields(instrument: int) -> tuple[int, int, int, Fraction]:
    """Underlying, expiry, kind and strike in USD."""
    return (
        instrument >> 112,
        instrument >> 72 & (1 << 40) - 1,
        instrument >> 64 & 255,
        Fraction(instrument & (1 << 64) - 1, 10**8),
    )


def clamp(x: mp.mpf, low: str | int, high: str | int) -> mp.mpf:
    return min(max(x, mp.mpf(low)), mp.mpf(high))


def real(x: Fraction) -> mp.mpf:
    return mp.mpf(x.numerator) / x.denominator


def black(f: mp.mpf, k: mp.mpf, vol: mp.mpf, years: mp.mpf, sign: int) -> mp.mpf:
    """Undiscounted Black-76; `sign` is 1 for a call and -1 for a put."""
    deviation = vol * mp.sqrt(years)
    if deviation == 0:
        return max(sign * (f - k), mp.mpf(0))
    d1 = mp.log(f / k) / deviation + deviation / 2
    return sign * (f * mp.ncdf(sign * d1) - k * mp.ncdf(sign * (d1 - deviation)))

"""`keeper surface`: smiles through the quotes of a chain, shown, and published to MarketFeeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keeper.calibration.parity import parities
from keeper.calibration.surface import Surface, fit_surface
from keeper.cli.config import load_settings
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, ConfigFile, DeploymentFile, RpcUrl, write_json
from keeper.cli.surface_text import fit_document, fit_text, quotes_text
from keeper.errors import ConfigError, InputError
from keeper.margin.scenarios import Model
from keeper.sources.chain_files import ChainFile
from keeper.sources.finding import Finding
from keeper.state.option_chain import OptionChain
from keeper.units import wad

group = typer.Typer(
    help="Smiles through the quotes of an option chain: fit, show, publish.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

ChainPath = Annotated[
    Path, typer.Argument(help="Option chain, YYYYMMDDTHHMMSSZ.csv[.gz].", metavar="FILE")
]
Previous = Annotated[
    Path | None,
    typer.Option("--previous", help="An earlier chain: its smiles serve where quotes are few."),
]
Underlying = Annotated[str | None, typer.Option("--underlying", help="Ticker; all by default.")]


@group.command("fit")
def fit(
    file: ChainPath,
    previous: Previous = None,
    underlying: Underlying = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Picture of quotes and fit, .png or .svg.")
    ] = None,
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Fit SVI to every expiry, say how well, and what was repaired, carried or refused.

    Beside it stands what put-call parity implies: forward, discount factor and rate of an expiry.

    Examples:

        keeper surface fit chains/20260130T154506Z.csv.gz --underlying BTC

        keeper surface fit chains/20260130T154506Z.csv.gz --plot surface.png
    """
    parameters = load_model(model)
    chain, findings = _chain(file, parameters, underlying)
    surface = fit_surface(chain, _previous(previous, parameters))
    if plot is not None:
        from keeper.cli.surface_plot import draw

        draw(chain, surface, parameters.symbols(), plot)
    shown = (surface, parities(chain), findings, parameters.symbols())
    if as_json:
        write_json(fit_document(*shown))
    else:
        typer.echo(fit_text(*shown))


@group.command("show")
def show(
    underlying: Annotated[str, typer.Argument(help="Ticker, as BTC.", metavar="UNDERLYING")],
    config: ConfigFile = None,
    rpc: RpcUrl = None,
    deployment: DeploymentFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the forwards and smiles that MarketFeeds has now, with its limits.

    Example:

        keeper surface show BTC --config keeper.toml
    """
    from keeper.chain.feeds import feed_state
    from keeper.cli.compose import open_source
    from keeper.telemetry.logging import configure_logging

    settings = load_settings(config, {"rpc_url": rpc, "deployment_file": deployment})
    configure_logging(settings.log_level)
    source = open_source(settings)
    number = _number(underlying, source.model)
    head = source.client.head()
    state = feed_state(source.client, source.deployment.market_feeds, number, head)
    if as_json:
        write_json(state)
    else:
        typer.echo(quotes_text(state.quotes, head.timestamp))


@group.command("publish")
def publish(
    file: Annotated[
        Path | None, typer.Argument(help="Option chain to fit; none with --post.", metavar="FILE")
    ] = None,
    underlying: Annotated[str | None, typer.Option("--underlying", help="Ticker, as BTC.")] = None,
    update: Annotated[
        list[Path] | None,
        typer.Option("--update", help="A proposed update; with --post it may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The update file to write.")] = None,
    post: Annotated[
        bool, typer.Option("--post", help="Post what a threshold of signers has signed.")
    ] = False,
    perpetual_ratio: Annotated[
        str | None,
        typer.Option(
            "--perpetual-ratio",
            help="Perpetual over spot, as 1.0002; no chain tells. To sign, one's own, else 1.",
        ),
    ] = None,
    time: Annotated[
        int | None, typer.Option("--time", help="Of the update, Unix seconds; now by default.")
    ] = None,
    previous: Previous = None,
    config: ConfigFile = None,
    rpc: RpcUrl = None,
    deployment: DeploymentFile = None,
    as_json: AsJson = False,
) -> None:
    """Propose, co-sign or post a surface, by files.

    With FILE and --underlying: fit it and write an unsigned update to --out. With FILE and
    --update: fit it as well, compare within the tolerance, sign with the settings' feed_signers.
    With --update and --post: post as soon as enough have signed; without a sender in the settings
    this is a dry run. A move beyond a speed limit of MarketFeeds is refused and the limit named.

    Examples:

        keeper surface publish CHAIN.csv.gz --underlying BTC --perpetual-ratio 1 --out update.json

        keeper surface publish CHAIN.csv.gz --update update.json --out signed.json

        keeper surface publish --update signed.json --update other.json --post
    """
    from keeper.cli import surface_publication as steps
    from keeper.cli.compose import open_source
    from keeper.telemetry.logging import configure_logging

    settings = load_settings(config, {"rpc_url": rpc, "deployment_file": deployment})
    configure_logging(settings.log_level)
    source = open_source(settings)
    if post:
        if not update or file is not None:
            raise ConfigError("--post takes --update FILE, once a signer, and no chain")
        result = steps.post(settings, source, update)
    else:
        if file is None or out is None:
            raise ConfigError("give a chain FILE and --out, or --update and --post")
        chain, _ = _chain(file, source.model, None)
        surface = fit_surface(chain, _previous(previous, source.model))
        if update:
            if len(update) > 1 or underlying or time is not None:
                raise ConfigError("to sign, give FILE, one --update and --out; it says the rest")
            ratio = wad(perpetual_ratio or "1")
            result = steps.sign(settings, source, surface, update[0], ratio, out)
        else:
            if underlying is None or perpetual_ratio is None:
                raise ConfigError("to propose, give --underlying and --perpetual-ratio as well")
            number = _number(underlying, source.model)
            result = steps.propose(source, surface, number, wad(perpetual_ratio), time, out)
    if as_json:
        write_json(result)
    else:
        typer.echo("\n".join(f"{key}: {value}" for key, value in result.items()))


def _chain(
    file: Path, model: Model, underlying: str | None
) -> tuple[OptionChain, tuple[Finding, ...]]:
    numbers = {symbol: number for number, symbol in model.symbols().items()}
    read = ChainFile(file, numbers).read()
    chain = read.chain
    if chain is None:
        raise InputError(f"chain {file}: nothing can be used")
    if underlying is not None:
        chain = chain.take(chain.underlying == _number(underlying, model))
    if not len(chain):
        raise InputError(f"chain {file}: no quote of {underlying}")
    return chain, read.findings


def _previous(file: Path | None, model: Model) -> Surface | None:
    return None if file is None else fit_surface(_chain(file, model, None)[0])


def _number(symbol: str, model: Model) -> int:
    numbers = {known: number for number, known in model.symbols().items()}
    if symbol not in numbers:
        raise InputError(f"underlying {symbol!r} is not in the model: use one of {sorted(numbers)}")
    return numbers[symbol]

"""Files of made-up quotes: a sound chain, and how to damage it."""

import gzip

HEADER = "instrument,forward_usd,index_usd,mark_coin,iv,bid_coin,ask_coin,open_interest"
TIME = "20260105T040000Z"
ROWS = (
    "BTC-27MAR26-80000-P,90000,89900,0.02,0.6,0.0195,0.0205,10",
    "BTC-27MAR26-90000-C,90000,89900,0.06,0.5,0.0595,0.0605,20",
    "BTC-27MAR26-100000-C,90000,89900,0.03,0.55,0.0295,0.0305,5",
    "ETH-30JAN26-3000-C,3000,2999,0.05,0.7,0.0495,0.0505,7",
    "ETH-30JAN26-3200-C,3000,2999,0.03,0.7,0.0295,0.0305,7",
)


def text(rows=ROWS, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


def write(folder, content=None, time=TIME, suffix=".csv.gz"):
    content = text() if content is None else content
    path = folder / f"{time}{suffix}"
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if suffix == ".csv.gz" else data)
    return path


def changed(row, **fields):
    """The rows with some fields of one of them replaced."""
    names = HEADER.split(",")
    values = dict(zip(names, ROWS[row].split(","), strict=True)) | fields
    return (*ROWS[:row], ",".join(values[name] for name in names), *ROWS[row + 1 :])

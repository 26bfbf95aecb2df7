"""Forecasts a day's sales as the mean of the same weekday: the smallest image a team can bring of its own."""

import csv
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

ML = Path("/opt/ml")


def main() -> None:
    sales: defaultdict[str, list[float]] = defaultdict(list)
    for file in sorted((ML / "input/data/sales").glob("*.csv")):
        with file.open(newline="") as rows:
            for row in csv.DictReader(rows):
                sales[row["weekday"]].append(float(row["sold"]))
    (ML / "model").mkdir(parents=True, exist_ok=True)
    (ML / "model/means.json").write_text(json.dumps({day: mean(sold) for day, sold in sales.items()}))


if __name__ == "__main__":
    main()

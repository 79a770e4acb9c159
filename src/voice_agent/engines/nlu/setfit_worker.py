"""The process in which a SetFit model predicts: `python -m … FOLDER`."""

import sys
from importlib import import_module
from typing import Any

from voice_agent.engines.worker_channel import ChildChannel


def main() -> None:
    """Load the model, then answer until the pipe is closed."""
    channel = ChildChannel()
    try:
        model: Any = import_module("setfit").SetFitModel.from_pretrained(sys.argv[1])
        model.predict_proba(["hello"])
    except Exception as error:  # noqa: BLE001 - whatever the library raises is told to the parent
        channel.failed(f"the model cannot be loaded: {error!r}")
        return
    channel.ready()
    while (message := channel.receive()) is not None:
        chances = [float(chance) for chance in model.predict_proba([message.header["text"]])[0]]
        ranking = sorted(
            zip(map(str, model.labels), chances, strict=True), key=lambda pair: -pair[1]
        )
        channel.send({"type": "prediction", "id": message.header["id"], "ranking": ranking})


if __name__ == "__main__":
    main()

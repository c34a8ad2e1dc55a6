"""Lets the sender's ancestor, the open-source library vocode, make conversations for the tests.

What happens in a call is drawn, and written down as it is drawn; vocode's own Transcript, event and
action classes make of it what a webhook would carry. That needs an environment of its own, because
vocode pins what this project does not have. The tests only read the files. In the checkout:

    python3.11 -m venv .venv-ancestor
    .venv-ancestor/bin/pip install --no-deps vocode==0.1.113
    .venv-ancestor/bin/pip install aiohttp fastapi httpx janus jinja2 jsonschema loguru \\
        nltk numpy phonenumbers pydantic redis sentry-sdk
    .venv-ancestor/bin/python -m tests.ancestor.draw

pip then says what else vocode needs to run; its objects can be made without. The same version of
this package writes the same files. `--calls`, `--first` and a folder give others, which
`python -m tests.ancestor --cases FOLDER` compares.

A file holds a list of calls. `envelope` is around each delivery of the call; `timeline` is what was
sent while it went on, the chunks of its transcript among it; `texts`, `parts`, `logs` and `turns`
are the whole conversation in vocode's forms; `drawn` is what happened: see `Call.drawn`. `forms.py`
makes deliveries of them.
"""

import os
import tempfile
import time
from pathlib import Path

# On import vocode downloads a tokenizer that nothing here uses, unless there is a folder for it.
_TOKENIZERS = tempfile.TemporaryDirectory()
(Path(_TOKENIZERS.name) / "tokenizers" / "punkt").mkdir(parents=True)
os.environ["NLTK_DATA"] = _TOKENIZERS.name
os.environ["TZ"] = "UTC"  # vocode formats offsets as local times
time.tzset()

#!/usr/bin/env bash
# Trains the tokenizer, the base model and the example adapters anew, and writes their digests and answers.
# A virtual environment is made in examples/train/.venv unless PYTHON names an interpreter that has the requirements.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if [[ -z "${PYTHON:-}" ]]; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --requirement requirements.txt
  PYTHON=.venv/bin/python
fi
"$PYTHON" train_tokenizer.py
"$PYTHON" train_base.py
"$PYTHON" widen_base.py
"$PYTHON" train_adapters.py
"$PYTHON" digests.py
"$PYTHON" evaluate.py

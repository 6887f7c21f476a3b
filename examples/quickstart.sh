#!/usr/bin/env bash
# Train, look inside, predict and evaluate, from the shell. Runs in a few seconds.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fmtrain synth --samples 200000 --keys 5000 > train.txt
fmtrain synth --samples 50000 --first 200000 --keys 5000 --no-header > test.txt

fmtrain fit train.txt --model model.fmt --factors 0 --alpha 0.1 --l1 0.01 --l2 0.1 --names
fmtrain inspect model.fmt --top 5
fmtrain predict --model model.fmt test.txt > predictions.txt
head -3 predictions.txt
fmtrain eval --model model.fmt test.txt
fmtrain export model.fmt --to text --out weights.txt

#!/usr/bin/env bash
# From raw rows to a model that takes raw rows: a schema proposed, checked, learned, trained by, and
# kept in the model. Runs in a few seconds.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# Made-up clicks: some ages are missing, prices are skewed, tags are a list.
rows() {
  awk -v seed="$1" -v rows="$2" 'BEGIN {
    srand(seed); OFS = "\t"
    split("Oslo Lima Pune Bonn", city); split("news sport music,news film music,film", tags)
    print "clicked", "time", "age", "price", "city", "tags"
    for (i = 0; i < rows; ++i) {
      age = int(18 + 60 * rand()); price = exp(6 * rand()); c = int(1 + 4 * rand())
      t = int(1 + 5 * rand()); night = rand() < 0.3
      score = -2 + night + (age < 30) * 1.5 - log(price) / 4 + (c == 1) + (t == 3) * (age > 50) * 2
      clicked = rand() < 1 / (1 + exp(-score)) ? 1 : 0
      if (rand() < 0.2) age = ""
      time = sprintf("2026-11-%02d %02d:%02d:00", 1 + i * 28 / rows, night ? 23 : 12, 60 * rand())
      print clicked, time, age, sprintf("%.2f", price), city[c], tags[t]
    }
  }'
}
rows 1 50000 > train.tsv
rows 2 10000 > test.tsv

fmtrain schema init train.tsv --out schema.toml   # a guess, with comments: to be corrected
sed -i 's/^tags = .*/tags = { type = "list" }/' schema.toml
echo 'city_tag = { cross = ["city", "tags"] }' >> schema.toml   # into [features], which ends the file
cat schema.toml
fmtrain schema check schema.toml train.tsv        # what its columns hold
fmtrain schema fit schema.toml train.tsv          # cuts and the profile, written behind it
fmtrain schema show schema.toml

lr="--factors 0 --alpha 0.1 --l1 0.1 --l2 0 --threads 1 --names"
fmtrain fit train.tsv --schema schema.toml --model model.fmt $lr
fmtrain inspect model.fmt --top 5
fmtrain predict --model model.fmt test.tsv > predictions.txt   # raw rows: the schema is in it
fmtrain eval --model model.fmt test.tsv

# The same rows as text samples, which train to the same model.
fmtrain encode --schema schema.toml train.tsv > samples.txt
head -3 samples.txt
fmtrain fit samples.txt --model text.fmt $lr
fmtrain export model.fmt --to text --out model.txt
fmtrain export text.fmt --to text --out text.txt
cmp model.txt text.txt && echo "the same model"

git rev-parse HEAD > version.txt
git status --short
git diff > patch.diff

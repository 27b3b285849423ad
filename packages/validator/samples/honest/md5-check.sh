#!/bin/bash
md5sum -c checksums.md5 || exit 1
sha256sum inputs/* > inputs.sha256
openssl dgst -sha256 model.pt

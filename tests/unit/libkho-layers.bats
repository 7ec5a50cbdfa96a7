#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The layers of libkho in docs/architecture.md: a file includes only its own layer and those below.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "no file of libkho includes a header of a layer above its own" {
	run -0 "$top/lab/layers" "$top"
	[ -z "$output" ]
}

@test "lab/layers reports an include that points up, a file without a layer, and a tool that includes internals" {
	local copy=$BATS_TEST_TMPDIR/copy
	mkdir -p "$copy/libkho" "$copy/docs" "$copy/tools/kho-inspect" "$copy/kexec"
	cp "$top"/libkho/*.[ch] "$top"/libkho/*.def "$copy/libkho"
	cp "$top/docs/architecture.md" "$copy/docs"
	echo '#include "state.h"' >>"$copy/libkho/map.c"
	touch "$copy/libkho/stranger.c"
	echo '#include "libkho/state.h"' >"$copy/kexec/kexec-kho.c"
	run -1 "$top/lab/layers" "$copy"
	[ "${#lines[@]}" = 3 ]
	[[ $output == *"libkho/map.c (layer "*") includes state.h (layer "* ]]
	[[ $output == *"libkho/stranger.c has no layer"* ]]
	[[ $output == *"kexec/kexec-kho.c includes libkho/state.h, which is libkho's own"* ]]
}

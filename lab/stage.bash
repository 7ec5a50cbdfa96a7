# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Builds the project out of tree and installs it with DESTDIR.

STAGE=$KHO_BUILD/stage
STAGE_LIBDIR=$STAGE/usr/lib/$(gcc -print-multiarch 2>/dev/null)

stage_configure() {
	local dir=$1
	shift
	[[ -x $KHO_TOP/configure && $KHO_TOP/configure -nt $KHO_TOP/configure.ac ]] ||
		(cd "$KHO_TOP" && autoreconf -fi)
	mkdir -p "$dir"
	[[ -f $dir/config.status ]] ||
		(cd "$dir" && "$KHO_TOP/configure" --prefix=/usr \
			--libdir="/usr/lib/$(gcc -print-multiarch)" --enable-werror "$@")
}

stage_build() {
	stage_configure "$KHO_BUILD/main"
	make -C "$KHO_BUILD/main" "-j$(nproc)"
	rm -rf "$STAGE"
	make -C "$KHO_BUILD/main" install-strip DESTDIR="$STAGE"
	# as packages of a distribution do: stripped, and without what nobody links with by accident
	rm -f "$STAGE_LIBDIR"/*.la
}

# With sanitizers, and with the programs that the unit tests run.
stage_build_sanitized() {
	stage_configure "$KHO_BUILD/sanitized" --enable-sanitizers
	# one after the other: as goals of one make they build the same files at once
	make -C "$KHO_BUILD/sanitized" "-j$(nproc)" all
	make -C "$KHO_BUILD/sanitized" "-j$(nproc)" check-programs
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# kexec-tools with our extension, linked with the staged libkho. Cached by what it
# was made from.

# shellcheck source=scripts/lib/series.bash
. "$KHO_TOP/scripts/lib/series.bash"

kexec_compile() {
	local source=$1 out=$2 tmp=$2.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	unpack "$source" "$tmp/tree"
	"$KHO_TOP/kexec/apply-to" "$tmp/tree"
	(
		cd "$tmp/tree" || exit
		# -Wno-...: upstream's own, with today's compilers
		./configure --prefix=/usr --sbindir=/usr/sbin \
			CPPFLAGS="-I$STAGE/usr/include" LDFLAGS="-L$STAGE_LIBDIR -Wl,-rpath-link,$STAGE_LIBDIR" \
			CFLAGS="-g -O2 -fno-strict-aliasing -Wall -Wstrict-prototypes"
		grep -q 'define HAVE_LIBKHO 1' include/config.h
		make
		# what is ours has to compile without a warning
		touch kexec/kexec-kho*.c
		make 2>&1 | tee ours.log
		! grep 'kexec-kho.*warning:' ours.log
	)
	cp "$tmp/tree/build/sbin/kexec" "$tmp/kexec"
	rm -rf "$tmp/tree" "$out"
	mv "$tmp" "$out"
}

kexec_build_locked() {
	[[ -x $2/kexec ]] || step "building kexec-tools" kexec_compile "$1" "$2"
}

# Builds kexec unless it is there, and sets KEXEC to the binary.
kexec_build() {
	local source dir
	source=$(fetch_kexec_tools)
	dir=$KHO_CACHE/kexec/$(source_id "$source")-$(hash_tree "$KHO_TOP/kexec")-$(hash_of "$KHO_TOP/libkho/kho.h")
	mkdir -p "$KHO_CACHE/kexec"
	[[ -x $dir/kexec ]] || with_lock kexec kexec_build_locked "$source" "$dir"
	KEXEC=$dir/kexec
	[[ -x $KEXEC ]] || die "kexec was not built"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# kexec-tools with our extension, linked with the staged libkho, for the architecture of the stage.
# The key in the cache is a hash of the inputs.

# kexec_configure_make KIND: builds the tree in the working folder. Each step checks its status
# itself, because errexit is off while the caller tests the result.
kexec_configure_make() {
	local kind=$1
	local options=(--prefix=/usr --sbindir=/usr/sbin "${STAGE_HOST[@]}")
	case $kind in
	ours) options+=(CPPFLAGS="-I$STAGE/usr/include" LDFLAGS="-L$STAGE_LIBDIR -Wl,-rpath-link,$STAGE_LIBDIR") ;;
	off) options+=(--without-libkho) ;;
	esac
	./configure "${options[@]}" CFLAGS="-g -O2 -fno-strict-aliasing -Wall -Wstrict-prototypes" || return 1
	case $kind in
	ours) grep -q 'define HAVE_LIBKHO 1' include/config.h || return 1 ;;
	off) ! grep -q 'define HAVE_LIBKHO' include/config.h || return 1 ;;
	esac
	make || return 1
	[[ $kind != stock ]] || return 0
	# our own files must compile without a warning
	touch kexec/kexec-kho*.c
	make >ours.log 2>&1 || return 1
	! grep 'kexec-kho.*warning:' ours.log
}

# kexec_compile SOURCE OUT KIND
kexec_compile() {
	local source=$1 out=$2 kind=$3 tmp=$2.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	unpack "$source" "$tmp/tree"
	[[ $kind == stock ]] || "$KHO_TOP/kexec/apply-to" "$tmp/tree"
	(cd "$tmp/tree" && kexec_configure_make "$kind") || return 1
	cp "$tmp/tree/build/sbin/kexec" "$tmp/kexec"
	rm -rf "$tmp/tree" "$out"
	mv "$tmp" "$out"
}

# kexec_build_locked SOURCE DIR KIND NAME
kexec_build_locked() {
	[[ -x $2/kexec ]] || step "building $4" kexec_compile "$1" "$2" "$3"
}

# The inputs of a build, besides the source.
kexec_key() {
	case $1 in
	stock) printf 'stock\n' ;;
	*) printf '%s-%s-%s\n' "$1" "$(hash_tree "$KHO_TOP/kexec")" \
		"$(hash_of "$KHO_TOP"/libkho/kho{.h,_output.h,_rules.def} "$KHO_TOP/lab/kexec.bash")" ;;
	esac
}

# kexec_build_kind KIND SOURCE: builds kexec if the cache does not have it, and prints its path.
# KIND is ours, off (our series, without libkho) or stock.
kexec_build_kind() {
	local kind=$1 source=$2 dir name
	name=${source##*/}
	dir=$KHO_CACHE/kexec/$(source_id "$source")-$(kexec_key "$kind")
	[[ $STAGE_ARCH == x86_64 ]] || dir+=-$STAGE_ARCH
	mkdir -p "$KHO_CACHE/kexec"
	[[ -x $dir/kexec ]] ||
		with_lock kexec kexec_build_locked "$source" "$dir" "$kind" "${name%.orig.tar.xz} ($kind)" ||
		return 1
	printf '%s\n' "$dir/kexec"
}

# Builds kexec if the cache does not have it. Sets KEXEC to its path, and KEXEC_STOCK to that of
# upstream's kexec of the same release.
kexec_build() {
	local source
	source=$(fetch_kexec_tools)
	KEXEC=$(kexec_build_kind ours "$source")
	# shellcheck disable=SC2034 # for image.bash
	KEXEC_STOCK=$(kexec_build_kind stock "$source")
	[[ -x $KEXEC && -x $KEXEC_STOCK ]] || die "kexec was not built"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Builds the project out of tree and installs it with DESTDIR.

# shellcheck source=lab/fetch.bash
. "$KHO_TOP/lab/fetch.bash"

# Packages to build programs for arm64 (libc and the libraries of Build-Depends), further packages
# of an arm64 machine, and those of its initramfs: all of the Debian release that this machine runs.
SYSROOT_PACKAGES=(
	libc6-dev linux-libc-dev libfdt-dev libelf-dev libxxhash-dev zlib1g-dev liblzma-dev libzstd-dev liblz4-dev
	libseccomp-dev libkdumpfile-dev libdw-dev
	busybox-static kmod
	dracut-core udev dash bash coreutils util-linux mount sed klibc-utils
)

# A link to /lib/... would lead into the build machine.
sysroot_relative_links() {
	local root=$1 link target
	find "$root" -type l -lname '/*' -printf '%p %l\n' | while read -r link target; do
		as_root ln -snfr "$root$target" "$link"
	done
}

sysroot_unpack() {
	unpack_system "$1" arm64 "$2" "${SYSROOT_PACKAGES[@]}"
	sysroot_relative_links "$2.tmp"
	as_root mv "$2.tmp" "$2"
}

# Prints the folder, and fetches it if necessary.
sysroot_arm64() {
	local suite
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	system_root "libraries of arm64 (40 MB)" "sysroot/$suite-arm64" SYSROOT_PACKAGES sysroot_unpack "$suite"
}

# stage_arch ARCH: selects x86_64 (this machine, the default) or arm64 for later builds. Sets
# STAGE_ARCH, STAGE, STAGE_LIBDIR, STAGE_SYSROOT (empty for this machine), STAGE_CC, and STAGE_HOST
# (arguments of a configure script).
stage_arch() {
	local triplet multiarch
	# shellcheck disable=SC2034 # for kexec.bash
	STAGE_ARCH=$1
	case $1 in
	x86_64)
		multiarch=$(gcc -print-multiarch 2>/dev/null) STAGE_BUILD=$KHO_BUILD/main STAGE=$KHO_BUILD/stage
		STAGE_SYSROOT="" STAGE_CC=gcc STAGE_HOST=()
		;;
	arm64)
		triplet=aarch64-linux-gnu multiarch=$triplet STAGE=$KHO_BUILD/arm64/stage
		STAGE_SYSROOT=$(sysroot_arm64)
		# its configuration names the libraries by their paths
		STAGE_BUILD=$KHO_BUILD/arm64/${STAGE_SYSROOT##*-}
		STAGE_CC="$triplet-gcc --sysroot=$STAGE_SYSROOT"
		STAGE_HOST=(--host="$triplet" CC="$STAGE_CC" CXX="$triplet-g++ --sysroot=$STAGE_SYSROOT")
		export PKG_CONFIG_SYSROOT_DIR=$STAGE_SYSROOT PKG_CONFIG_LIBDIR=$STAGE_SYSROOT/usr/lib/$triplet/pkgconfig
		;;
	*) die "nothing is built for $1" ;;
	esac
	STAGE_MULTIARCH=$multiarch
	STAGE_LIBDIR=$STAGE/usr/lib/$multiarch
}
stage_arch x86_64

stage_configure() {
	local dir=$1
	shift
	[[ -x $KHO_TOP/configure && $KHO_TOP/configure -nt $KHO_TOP/configure.ac ]] ||
		(cd "$KHO_TOP" && autoreconf -fi)
	mkdir -p "$dir"
	[[ -f $dir/config.status ]] ||
		(cd "$dir" && "$KHO_TOP/configure" --prefix=/usr \
			--libdir="/usr/lib/$STAGE_MULTIARCH" --enable-werror "${STAGE_HOST[@]}" "$@")
}

stage_build() {
	stage_configure "$STAGE_BUILD"
	make -C "$STAGE_BUILD" "-j$(nproc)"
	rm -rf "$STAGE"
	make -C "$STAGE_BUILD" install-strip DESTDIR="$STAGE"
	# like packages of a distribution: stripped, and without files that are only for linking
	rm -f "$STAGE_LIBDIR"/*.la
}

# Builds with sanitizers, with the programs that the unit tests run.
stage_build_sanitized() {
	stage_configure "$KHO_BUILD/sanitized" --enable-sanitizers
	# separately, because as goals of one make they would build the same files at once
	make -C "$KHO_BUILD/sanitized" "-j$(nproc)" all
	make -C "$KHO_BUILD/sanitized" "-j$(nproc)" check-programs
}

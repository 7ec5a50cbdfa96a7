# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# All packages that the project needs.

# the project itself
KHO_BUILDING=(
	autoconf automake libtool pkg-config gcc g++ make
	libfdt-dev libelf-dev libxxhash-dev zlib1g-dev liblzma-dev libzstd-dev liblz4-dev
	libseccomp-dev libkdumpfile-dev libdw-dev
)

# for unit tests: programs under test, and checkers
KHO_UNIT_TESTS=(
	bats parallel git busybox-static dash dracut-core shellcheck mandoc groff-base python3 python3-jsonschema jq librsvg2-bin
	file binutils xz-utils zstd makedumpfile
)

KHO_PACKAGES=("${KHO_BUILDING[@]}" "${KHO_UNIT_TESTS[@]}"
	# kernel and kexec-tools
	bc bison flex libssl-dev kmod cpio rsync patch
	# virtual machines
	qemu-system-x86 systemd e2fsprogs udev systemd-boot-efi
)

# to make and check Debian packages
KHO_PACKAGING=(git xz-utils dpkg-dev debhelper fakeroot)
KHO_PACKAGE_TESTS=(lintian mmdebstrap)

# to unpack other releases of Debian
KHO_DISTRO_PACKAGES=(mmdebstrap debian-archive-keyring)

# to build fuzzers
KHO_FUZZING=(clang llvm libclang-rt-dev)

# to check the kernel series, and to build it for other architectures
KHO_KERNEL_CHECKING=(sparse gcc-aarch64-linux-gnu python3-sphinx python3-yaml)

# to build programs for arm64 and run them
KHO_ARM64=(gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-system-arm device-tree-compiler)

deps_install_arm64() {
	deps_install "${KHO_ARM64[@]}"
}

deps_install_packaging() {
	deps_install "${KHO_BUILDING[@]}" "${KHO_PACKAGING[@]}"
}

deps_install_package_tests() {
	deps_install "${KHO_PACKAGING[@]}" "${KHO_PACKAGE_TESTS[@]}"
}

deps_install_distro() {
	deps_install "${KHO_DISTRO_PACKAGES[@]}"
}

deps_install_fuzzing() {
	deps_install "${KHO_FUZZING[@]}"
}

deps_install_kernel_checking() {
	deps_install "${KHO_KERNEL_CHECKING[@]}"
}

# deps_install [PACKAGE...]: installs the named packages, or all.
deps_install() {
	local package missing=()
	(($#)) || set -- "${KHO_PACKAGES[@]}"
	for package in "$@"; do
		dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q 'install ok installed' ||
			missing+=("$package")
	done
	((${#missing[@]})) || return 0

	step "apt-get update" as_root apt-get -q update
	step "installing ${#missing[@]} packages (${missing[*]:0:4} ...)" as_root env \
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
		"${missing[@]}"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Other releases of Debian, as folders for chroot: with the build dependencies of debian/control,
# the programs that the unit tests run, and the compilers to build with.

# shellcheck source=lab/deps.bash
. "$KHO_TOP/lab/deps.bash"
# shellcheck source=lab/fetch.bash
. "$KHO_TOP/lab/fetch.bash"

declare -gA DISTRO_COMPILERS=(
	[trixie]="gcc-12 gcc-13 gcc-14 clang"
	[forky]="gcc-14 gcc-15 clang"
)

# The first alternative of each package in Build-Depends of debian/control.
distro_build_depends() {
	sed -n '/^Build-Depends:/,/^[^ ]/s/^ \([a-z0-9.+-]*\).*/\1/p' "$KHO_TOP/debian/control"
}

# distro_packages SUITE [ARCH]: with ARCH, what makes packages for that architecture of Debian.
distro_packages() {
	if [[ ${2:-} ]]; then
		distro_build_depends | sed "/^debhelper/!s/\$/:$2/"
		printf '%s\n' build-essential pkg-config "crossbuild-essential-$2" "${KHO_PACKAGING[@]}" lintian
		return
	fi
	distro_build_depends
	printf '%s\n' build-essential "${KHO_PACKAGING[@]}" "${KHO_UNIT_TESTS[@]}"
	tr ' ' '\n' <<<"${DISTRO_COMPILERS[$1]}"
}

distro_make() {
	local suite=$1 dir=$2 architectures=$3 packages valid=true
	shift 3
	packages=$(printf '%s\n' "$@" | LC_ALL=C sort -u | paste -sd,)
	# mmdebstrap does not read this machine's settings of apt. A mirror that keeps an old state needs this one.
	eval "$(apt-config shell valid Acquire::Check-Valid-Until)"
	as_root rm -rf "$dir.tmp"
	as_root mmdebstrap --quiet --mode=root --variant=minbase \
		--architectures="$architectures" --aptopt='Acquire::Languages "none"' \
		--aptopt="Acquire::Check-Valid-Until \"$valid\"" \
		--dpkgopt='path-exclude=/usr/share/locale/*' --include="$packages" "$suite" "$dir.tmp" "$(fetch_mirror)"
	as_root mv "$dir.tmp" "$dir"
}

# distro_root SUITE [ARCH]: makes the folder if it does not exist, and sets DISTRO_ROOT.
distro_root() {
	local suite=$1 arch=${2:-} architectures
	local -a packages
	architectures=$(dpkg --print-architecture)${arch:+,$arch}
	[[ ${DISTRO_COMPILERS[$suite]:-} ]] || die "no tests are made for Debian's $suite: one of ${!DISTRO_COMPILERS[*]}"
	mapfile -t packages < <(distro_packages "$suite" "$arch")
	DISTRO_ROOT=$KHO_CACHE/distro/$suite-$(printf '%s\n' "${packages[@]}" | sha256sum | cut -c1-8)
	mkdir -p "$KHO_CACHE/distro"
	[[ -d $DISTRO_ROOT ]] ||
		step "making a system of Debian's $suite${arch:+, to build for $arch}" with_lock distro unless_there \
			"$DISTRO_ROOT" distro_make "$suite" "$DISTRO_ROOT" "$architectures" "${packages[@]}"
}

# distro_run ROOT FOLDER COMMAND...: runs it as root of that system, in FOLDER, which is /source
# there. The system itself does not change.
distro_run() {
	# shellcheck disable=SC2016 # for the other shell
	as_root unshare --mount --pid --fork --kill-child bash -euc '
		root=$1 folder=$2
		shift 2
		mount --make-rprivate /
		work=$(mktemp -d)
		mount -t tmpfs tmpfs "$work"
		mkdir "$work"/{upper,work,new}
		mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/new"
		cd "$work/new"
		mkdir source
		mount --bind "$folder" source
		mount -t proc proc proc
		mount --rbind /dev dev
		mount -t tmpfs tmpfs tmp
		exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
			sh -c "cd /source && exec \"\$@\"" sh "$@"
	' bash "$@"
}

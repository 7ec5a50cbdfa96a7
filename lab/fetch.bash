# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sources from the machine's own Debian mirror, through a private apt
# configuration that leaves the system's own apt alone.

# shellcheck source=lab/sources.conf
. "$KHO_TOP/lab/sources.conf"

FETCH_DIR=$KHO_CACHE/downloads

# The URI of Debian's main archive as this machine has it.
fetch_mirror() {
	local site
	# shellcheck disable=SC2016 # apt's own variables
	site=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN) $(LABEL)' |
		awk '$2 == "Packages" && $3 == "Debian" && $4 == "Debian" { print $1; exit }')
	[[ $site ]] || die "no Debian archive in this machine's apt sources: set KHO_LINUX_SRC and KHO_KEXEC_TOOLS_SRC to local sources"
	printf '%s\n' "$site"
}

# fetch_apt_setup SUITE [ARCH]: from here on apt in this shell knows that suite and no other,
# and packages of the architecture ARCH (Debian's name) instead of the machine's own.
fetch_apt_setup() {
	local suite=$1 arch=${2:-} apt=$KHO_CACHE/apt/$1${2:+-$2} site keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	site=$(fetch_mirror)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$FETCH_DIR"
	cat >"$apt/sources.list" <<-END
		deb [signed-by=$keyring] $site $suite main
		deb-src [signed-by=$keyring] $site $suite main
	END
	cat >"$apt/apt.conf" <<-END
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$apt/lists";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		${arch:+APT::Architecture "$arch"; APT::Architectures "$arch";}
	END
	export APT_CONFIG=$apt/apt.conf
	apt-get -q update || die "apt cannot read the suite $suite of this machine's mirror: see above"
}

# fetch_apt_once SUITE: the same, which asks the mirror once in an hour.
fetch_apt_once() {
	local lists=$KHO_CACHE/apt/$1/lists
	if [[ -d $lists && $(find "$lists" -maxdepth 0 -mmin -60) ]]; then
		export APT_CONFIG=$KHO_CACHE/apt/$1/apt.conf
	else
		fetch_apt_setup "$1" >/dev/null 2>&1 || { echo "the mirror has no suite $1"; return 1; }
	fi
}

# fetch_checked FILE SHA256 COMMAND...: unless FILE is there and right, runs the
# command in an empty folder and keeps the one file that it leaves.
fetch_checked() {
	local file=$1 sum=$2 tmp
	shift 2
	if fetch_is "$file" "$sum"; then
		return 0
	fi
	tmp=$(mktemp -d "$FETCH_DIR/partial.XXXXXX")
	(cd "$tmp" && "$@") || {
		rm -rf "$tmp"
		return 1
	}
	mv "$tmp"/* "$file"
	rmdir "$tmp"
	# the server's date says nothing about whether what is made of it is up to date
	touch "$file"
	printf '%s  %s\n' "$sum" "$file" | sha256sum -c
}

fetch_is() {
	local file=$1 sum=$2
	[[ -f $file ]] && printf '%s  %s\n' "$sum" "$file" | sha256sum -c --status
}

# The SHA-256 that apt, which has checked the archive's signature, has for a binary package.
fetch_package_sum() {
	apt-cache show "$1" 2>/dev/null | awk '$1 == "SHA256:" && !found { found = $2 } END { print found }'
}

# "VERSION SHA-256" of the upstream tarball of a source package: of the newest Debian version of it.
fetch_orig_sum() {
	local package=$1 version=$2
	apt-cache showsrc "$package" 2>/dev/null | awk -v upstream="$version-" -v tarball="${package}_$version.orig.tar.xz" '
		$1 == "Version:" { v = $2; sub(/^[0-9]+:/, "", v); debian = index(v, upstream) == 1 ? $2 : "" }
		debian && $3 == tarball && length($1) == 64 && !found { found = debian " " $1 }
		END { print found }'
}

# A place, as sources.conf has it: is it there? Says what is there instead. A newer package than was
# pinned will do, signed as it is; of a tarball only the pinned one.
fetch_place_has() {
	local suite=$1 kind=$2 package=$3 version=$4 pinned=$5 found
	if [[ $kind == package ]]; then
		found=$(fetch_package_sum "$package")
		[[ $found ]] || { echo "no package $package in $suite"; return 1; }
		[[ $found == "$pinned" ]] || echo "a newer $package than the one that was tried"
		return 0
	fi
	found=$(fetch_orig_sum "$package" "$version")
	[[ $found ]] || { echo "no $package $version in $suite"; return 1; }
	[[ ${found#* } == "$pinned" ]] || { echo "another tarball of $package $version in $suite"; return 1; }
}

# The file that a source is fetched to. Its suite does not matter.
fetch_place_file() {
	local kind=$2 package=$3 version=$4
	case $kind in
	orig) printf '%s\n' "$FETCH_DIR/${package}_$version.orig.tar.xz" ;;
	package) printf '%s\n' "$FETCH_DIR/$package.deb" ;;
	esac
}

# fetch_place SUITE KIND PACKAGE VERSION SHA-256
fetch_place() {
	local suite=$1 kind=$2 package=$3 version=$4 pinned=$5 file name debian uri
	file=$(fetch_place_file "$@")
	fetch_apt_setup "$suite"
	fetch_place_has "$@" || return 1
	if [[ $kind == package ]]; then
		fetch_checked "$file" "$(fetch_package_sum "$package")" apt-get -q download "$package"
		return
	fi
	name=${file##*/}
	read -r debian _ <<<"$(fetch_orig_sum "$package" "$version")"
	uri=$(apt-get source --print-uris --download-only "$package=$debian" |
		sed -n "s/^'\([^']*\)' $name .*/\1/p")
	[[ $uri ]] || { echo "no $name in $suite"; return 1; }
	fetch_checked "$file" "$pinned" /usr/lib/apt/apt-helper download-file "$uri" "$name" "SHA256:$pinned"
}

# fetch_places NAME TAKEN: tries them in turn; the one that had it is written to the file TAKEN.
fetch_places() {
	local name=$1 taken=$2 place
	local -a words
	mkdir -p "$FETCH_DIR"
	while read -r place; do
		[[ $place ]] || continue
		read -ra words <<<"$place"
		# a shell of its own: one that gives up ends, and apt is told of the suite by a variable
		if (fetch_place "${words[@]}"); then
			printf '%s\n' "$place" >"$taken"
			return 0
		fi
	done <<<"${SOURCES[$name]}"
	echo "no place that lab/sources.conf names has $name (scripts/fetch --check tries all of them)"
	echo "Get it by another way and name the tarball or tree with ${FETCH_VARIABLES[${name%-*}]}, or add a place."
	return 1
}

declare -gA FETCH_VARIABLES=([linux]=KHO_LINUX_SRC [kexec-tools]=KHO_KEXEC_TOOLS_SRC)

# The place of a source whose file is there already; false if none is.
fetch_place_there() {
	local place suite kind package version pinned
	while read -r place; do
		[[ $place ]] || continue
		read -r suite kind package version pinned <<<"$place"
		# shellcheck disable=SC2086 # words
		! fetch_is "$(fetch_place_file $place)" "$pinned" || { printf '%s\n' "$place"; return 0; }
	done <<<"${SOURCES[$1]}"
	return 1
}

# fetch_source NAME: prints the tarball of what sources.conf calls so, fetching it if
# need be.
fetch_source() {
	local name=$1 place taken file tarball
	[[ ${SOURCES[$name]:-} ]] || die "no source is called $name in lab/sources.conf"
	place=$(fetch_place_there "$name") || {
		taken=$(mktemp "${TMPDIR:-/tmp}/kho-place.XXXXXX")
		step "fetching $name" with_lock fetch fetch_places "$name" "$taken"
		place=$(<"$taken")
		rm -f "$taken"
		note "$name: took $(awk '{ print $3, $4, "(" $2 ") of", $1 }' <<<"$place")"
	}
	# shellcheck disable=SC2086 # words
	file=$(fetch_place_file $place)
	[[ $file == *.deb ]] || {
		printf '%s\n' "$file"
		return
	}
	tarball=${file%.deb}.tar.xz
	[[ -f $tarball && ! $tarball -ot $file ]] || with_lock fetch fetch_package_tarball "$file" "$tarball"
	printf '%s\n' "$tarball"
}

# Every place of every source: a line each on what is there, without fetching any. False when one
# source is nowhere to be had.
fetch_check() {
	local name place suite kind package version pinned said lost=0 found
	for name in $(printf '%s\n' "${!SOURCES[@]}" | LC_ALL=C sort); do
		found=0
		while read -r place; do
			[[ $place ]] || continue
			read -r suite kind package version pinned <<<"$place"
			# shellcheck disable=SC2086 # words
			if said=$(fetch_apt_once "$suite" && fetch_place_has $place); then
				found=1
				said="there${said:+: $said}"
			fi
			printf '%-20s %-18s %-8s %-17s %-8s %s\n' "$name" "$suite" "$kind" "$package" "$version" "$said"
		done <<<"${SOURCES[$name]}"
		((found)) || { note "$name is nowhere to be had: add a place to lab/sources.conf"; lost=1; }
	done
	((!lost))
}

# The package holds one tarball.
fetch_package_tarball() {
	local deb=$1 tarball=$2
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/${tarball##*/}" >"$tarball.tmp"
	mv "$tarball.tmp" "$tarball"
}

# fetch_or_local VARIABLE NAME: what the variable names, else the source NAME.
fetch_or_local() {
	local variable=$1 name=$2 path=${!1:-}
	if [[ $path ]]; then
		[[ -e $path ]] || die "$variable=$path does not exist"
		realpath "$path"
		return
	fi
	fetch_source "$name"
}

# Prints the tarball or tree that kernel-patches/ apply to.
fetch_linux() {
	fetch_or_local KHO_LINUX_SRC "linux-$LINUX_RELEASE"
}

# The same for kexec/patches/.
fetch_kexec_tools() {
	fetch_or_local KHO_KEXEC_TOOLS_SRC "kexec-tools-$KEXEC_TOOLS_VERSION"
}

# unpack_system SUITE ARCH DIR PACKAGE...: for an apt with no installed packages, so that all
# that is needed comes along. apt has checked it; no maintainer script is run. The folder is
# DIR.tmp until the caller is content. ARCH is Debian's name, or empty for the machine's own.
unpack_system() {
	local suite=$1 arch=$2 dir=$3 debs=$3.debs deb
	shift 3
	fetch_apt_setup "$suite" "$arch"
	as_root rm -rf "$dir.tmp" "$debs"
	mkdir -p "$dir.tmp"/usr/{bin,sbin,lib,lib64} "$debs/partial"
	# in Debian 12 these are not of a package
	(cd "$dir.tmp" && ln -s usr/{bin,sbin,lib,lib64} .)
	: >"$debs/status"
	apt-get -q -y -o "Dir::State::status=$debs/status" -o "Dir::Cache::archives=$debs" \
		-o APT::Install-Recommends=false --download-only install "$@"
	for deb in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | as_root tar -x -C "$dir.tmp" --keep-directory-symlink \
			--exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*'
	done
	rm -rf "$debs"
	printf 'root:x:0:0:root:/root:/bin/sh\n' | as_root tee "$dir.tmp/etc/passwd" >/dev/null
	printf 'root:x:0:\n' | as_root tee "$dir.tmp/etc/group" >/dev/null
	# libraries are looked up in the cache of the loader; that of arm64 finds them without
	[[ $arch ]] || as_root chroot "$dir.tmp" ldconfig
}

# unpack SOURCE DIR: a tarball or tree as DIR (which must not exist), without its
# top folder.
unpack() {
	local source=$1 dir=$2 tmp=$2.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	if [[ -d $source ]]; then
		cp -a "$source/." "$tmp/"
		rm -rf "$tmp/.git"
	else
		tar -xf "$source" -C "$tmp" --strip-components=1
	fi
	mv "$tmp" "$dir"
}

# source_id SOURCE: what a tarball or tree is known by in the cache.
source_id() {
	if [[ -d $1 ]]; then
		# too large to read whole each time: name, time and size of every file
		(cd "$1" && find . -path ./.git -prune -o -type f -printf '%P %T@ %s\n' | LC_ALL=C sort) |
			sha256sum | cut -c1-12
	else
		sha256sum <"$1" | cut -c1-12
	fi
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sources from the machine's own Debian mirror, through a private apt
# configuration that leaves the system's own apt alone.

# shellcheck source=lab/sources.conf
. "$KHO_TOP/lab/sources.conf"

FETCH_DIR=$KHO_CACHE/downloads

# The URI of Debian's main archive that this machine uses.
fetch_mirror() {
	local site
	# shellcheck disable=SC2016 # apt's own variables
	site=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN) $(LABEL)' |
		awk '$2 == "Packages" && $3 == "Debian" && $4 == "Debian" { print $1; exit }')
	[[ $site ]] || die "no Debian archive in this machine's apt sources: set KHO_LINUX_SRC and KHO_KEXEC_TOOLS_SRC to local sources"
	printf '%s\n' "$site"
}

# fetch_apt_setup SUITE [ARCH]: apt in this shell then knows only that suite, and packages of the
# architecture ARCH (Debian's name) instead of the machine's own.
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

# fetch_apt_once SUITE: the same, but asks the mirror at most once an hour.
fetch_apt_once() {
	local lists=$KHO_CACHE/apt/$1/lists
	if [[ -d $lists && $(find "$lists" -maxdepth 0 -mmin -60) ]]; then
		export APT_CONFIG=$KHO_CACHE/apt/$1/apt.conf
	else
		fetch_apt_setup "$1" >/dev/null 2>&1 || { echo "the mirror has no suite $1"; return 1; }
	fi
}

# fetch_checked FILE SHA256 COMMAND...: if FILE does not exist or has another hash, runs the
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
	# make must not compare the server's date with that of a build
	touch "$file"
	printf '%s  %s\n' "$sum" "$file" | sha256sum -c
}

fetch_is() {
	local file=$1 sum=$2
	[[ -f $file ]] && printf '%s  %s\n' "$sum" "$file" | sha256sum -c --status
}

# The SHA-256 of a binary package, from apt, which has checked the archive's signature.
fetch_package_sum() {
	apt-cache show "$1" 2>/dev/null | awk '$1 == "SHA256:" && !found { found = $2 } END { print found }'
}

# "VERSION SHA-256" of the upstream tarball of a source package, in its newest Debian version.
fetch_orig_sum() {
	local package=$1 version=$2
	apt-cache showsrc "$package" 2>/dev/null | awk -v upstream="$version-" -v tarball="${package}_$version.orig.tar.xz" '
		$1 == "Version:" { v = $2; sub(/^[0-9]+:/, "", v); debian = index(v, upstream) == 1 ? $2 : "" }
		debian && $3 == tarball && length($1) == 64 && !found { found = debian " " $1 }
		END { print found }'
}

# True if a place of sources.conf has the source; prints what it has instead. A newer package than
# the pinned one is accepted, because it is signed; a tarball must be the pinned one.
fetch_place_has() {
	local suite=$1 kind=$2 package=$3 version=$4 pinned=$5 found
	if [[ $kind == package ]]; then
		found=$(fetch_package_sum "$package")
		[[ $found ]] || { echo "no package $package in $suite"; return 1; }
		[[ $found == "$pinned" ]] || echo "a newer $package than the tested one"
		return 0
	fi
	found=$(fetch_orig_sum "$package" "$version")
	[[ $found ]] || { echo "no $package $version in $suite"; return 1; }
	[[ ${found#* } == "$pinned" ]] || { echo "another tarball of $package $version in $suite"; return 1; }
}

# The file for a fetched source, which is the same for any suite.
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

# fetch_places NAME TAKEN: tries the places in turn, and writes the one that had it to the file TAKEN.
fetch_places() {
	local name=$1 taken=$2 place
	local -a words
	mkdir -p "$FETCH_DIR"
	while read -r place; do
		[[ $place ]] || continue
		read -ra words <<<"$place"
		# a subshell, because a failure ends it, and because it sets apt's variables for the suite
		if (fetch_place "${words[@]}"); then
			printf '%s\n' "$place" >"$taken"
			return 0
		fi
	done <<<"${SOURCES[$name]}"
	echo "no place in lab/sources.conf has $name (scripts/fetch --check tries all of them)"
	echo "Get it in another way and set ${FETCH_VARIABLES[${name%-*}]} to the tarball or tree, or add a place."
	return 1
}

declare -gA FETCH_VARIABLES=([linux]=KHO_LINUX_SRC [kexec-tools]=KHO_KEXEC_TOOLS_SRC)

# The place of a source if its file is in the cache; false if not.
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

# fetch_source NAME: prints the tarball of the source NAME of sources.conf, and fetches it if
# necessary.
fetch_source() {
	local name=$1 place taken file tarball
	[[ ${SOURCES[$name]:-} ]] || die "lab/sources.conf has no source $name"
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

# Prints a line for every place of every source, and fetches none. False if no place has one of
# the sources.
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
		((found)) || { note "no place has $name: add a place to lab/sources.conf"; lost=1; }
	done
	((!lost))
}

# The package contains one tarball.
fetch_package_tarball() {
	local deb=$1 tarball=$2
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/${tarball##*/}" >"$tarball.tmp"
	mv "$tarball.tmp" "$tarball"
}

# fetch_or_local VARIABLE NAME: the file that the variable names, or the source NAME if it is empty.
fetch_or_local() {
	local variable=$1 name=$2 path=${!1:-}
	if [[ $path ]]; then
		[[ -e $path ]] || die "$variable=$path does not exist"
		realpath "$path"
		return
	fi
	fetch_source "$name"
}

# Prints the tarball or tree to which kernel-patches/ apply.
fetch_linux() {
	fetch_or_local KHO_LINUX_SRC "linux-$LINUX_RELEASE"
}

# The same for kexec/patches/.
fetch_kexec_tools() {
	fetch_or_local KHO_KEXEC_TOOLS_SRC "kexec-tools-$KEXEC_TOOLS_VERSION"
}

# unpack_system SUITE ARCH DIR PACKAGE...: unpacks packages with all their dependencies, because
# apt sees no installed package. apt has checked them; no maintainer script runs. The caller
# renames DIR.tmp to DIR. ARCH is Debian's name, or empty for the machine's own.
unpack_system() {
	local suite=$1 arch=$2 dir=$3 debs=$3.debs deb
	shift 3
	fetch_apt_setup "$suite" "$arch"
	as_root rm -rf "$dir.tmp" "$debs"
	mkdir -p "$dir.tmp"/usr/{bin,sbin,lib,lib64} "$debs/partial"
	# in Debian 12 no package has these
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
	# the loader finds libraries by its cache; that of arm64 needs none
	[[ $arch ]] || as_root chroot "$dir.tmp" ldconfig
}

# system_root WHAT NAME PACKAGES COMMAND...: prints the folder NAME-KEY of the cache, where KEY stands for
# the array PACKAGES. If it does not exist, COMMAND... FOLDER makes it with unpack_system.
system_root() {
	local what=$1 dir
	local -n packages=$3
	dir=$KHO_CACHE/$2-$(printf '%s\n' "${packages[@]}" | sha256sum | cut -c1-8)
	mkdir -p "${dir%/*}"
	[[ -d $dir ]] || step "fetching $what" with_lock fetch unless_there "$dir" "${@:4}" "$dir"
	printf '%s\n' "$dir"
}

# unpack SOURCE DIR: unpacks a tarball or copies a tree to DIR (which must not exist), without its
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

# source_id SOURCE: the name of a tarball or tree in the cache.
source_id() {
	if [[ -d $1 ]]; then
		# too large to read each time: use name, time and size of every file
		(cd "$1" && find . -path ./.git -prune -o -type f -printf '%P %T@ %s\n' | LC_ALL=C sort) |
			sha256sum | cut -c1-12
	else
		sha256sum <"$1" | cut -c1-12
	fi
}

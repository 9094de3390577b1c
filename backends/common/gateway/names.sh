# ---- dnsmasq, where the policy has names. Of two lines for one domain it takes the first, in whatever files they stand,
# and of several lines that match a name the longest. So the clusters of a machine share one file: each leaves its own in
# $names, and $snippet is made of all of them.

names=$root/etc/hcipolc/dnsmasq.d
mine=$names/$me.conf
snippets=$root/etc/dnsmasq.d
snippet=$snippets/hcipolc.conf
cache=$snippets/hcipolc-cache.conf
# How long sets keep an address.
learnt_seconds=86400
changed_names=

need_snippets() {
  ! has dnsmasq.conf || [ -d "$snippets" ] ||
    die "no $snippets, so every name would stay blocked: apt-get install dnsmasq, or link it to the folder that the" \
      "dnsmasq here reads"
}

# The files of others that dnsmasq reads.
other_files() {
  for f in "$root/etc/dnsmasq.conf" "$snippets"/*; do
    case $f in "$snippet" | "$cache" | *.dpkg-dist | *.dpkg-old | *.dpkg-new | *'~') continue ;; esac
    [ ! -f "$f" ] || printf '%s\n' "$f"
  done
}
# bounds_of_others: FILE OPTION SECONDS. A second line of one of these options keeps dnsmasq from starting.
bounds_of_others() {
  other_files | while read -r f; do
    sed -nE 's/^[[:blank:]]*(max-cache-ttl|max-ttl)[[:blank:]]*=[[:blank:]]*([0-9]+).*/\1 \2/p' "$f" | sed "s|^|$f |"
  done
}
# wanted_cache: dnsmasq-cache.conf without what others have set.
wanted_cache() {
  into "$work/bounds" bounds_of_others && awk 'FILENAME == ARGV[1] { set[$2]; next }
    { split($0, part, "=") }
    /^#/ { head = head $0 "\n"; next }
    !(part[1] in set) { body = body $0 "\n" }
    END { if (body != "") printf "%s", head body }' "$work/bounds" dnsmasq-cache.conf
}
# rivals: FILE DOMAIN for lines of others that keep names of ours from our sets.
rivals() {
  other_files | while read -r f; do
    awk -v file="$f" '
      function option() { return match($0, /^[ \t]*(ipset|nftset)[ \t]*=/) ? ($0 ~ /^[ \t]*i/ ? "ipset" : "nftset") : "" }
      { kind = option(); if (kind == "") next; n = split(tolower($0), part, "/") }
      FILENAME == ARGV[1] { for (i = 2; i < n; i++) ours[kind, part[i]]; next }
      {
        for (i = 2; i < n; i++)
          for (domain = part[i]; domain != ""; domain = substr(domain, dot + 1)) {
            if ((kind, domain) in ours) { print file, part[i]; break }
            if (!(dot = index(domain, "."))) break
          }
      }' dnsmasq.conf "$f"
  done
}
warn_of_names() {
  has dnsmasq.conf || return 0
  bounds_of_others | while read -r f option seconds; do
    [ "$seconds" -gt 0 ] && [ "$seconds" -le "$learnt_seconds" ] ||
      say "warning: $option=$seconds in $f lets answers be kept for longer than addresses ($learnt_seconds s): names will be blocked at times"
  done
  rivals | while read -r f domain; do
    say "warning: $f has a line for $domain as well, and only one of two counts: take it out there, or that name may stay blocked"
  done
}

# joined FILE…: a line for each domain, with the sets of all domains that it lies below.
joined() {
  echo "# Written by hcipolc's apply.sh, from the files in /etc/hcipolc/dnsmasq.d; changes are lost."
  awk '
    match($0, /^(ipset|nftset)=\//) {
      option = substr($0, 1, RLENGTH)
      rest = substr($0, RLENGTH + 1)
      slash = index(rest, "/")
      key = option substr(rest, 1, slash - 1)
      there[key] = there[key] "," substr(rest, slash + 1)
    }
    END {
      for (key in there) {
        slash = index(key, "/")
        option = substr(key, 1, slash)
        for (domain = substr(key, slash + 1); domain != ""; domain = substr(domain, dot + 1)) {
          if ((option domain) in there) {
            n = split(substr(there[option domain], 2), set, ",")
            for (i = 1; i <= n; i++) print key "/", set[i]
          }
          if (!(dot = index(domain, "."))) break
        }
      }
    }' "$@" | sort -u | awk '
    function put() { if (line != "") { print line; if (length(line) > 1024) long = 1 } }
    $1 == key { line = line "," $2; next }
    { put(); key = $1; line = $1 $2 }
    END { put(); exit long }'
}
# make_names [FILE]: in $work/dns what dnsmasq would read with FILE as our names. The cache has a bound as long as a
# cluster here has names.
make_names() {
  rm -rf "$work/dns"
  mkdir -p "$work/dns/each" "$work/dns/dnsmasq.d" || return 1
  why="the files in $names cannot be read"
  for f in "$names"/*.conf; do
    [ "$f" = "$mine" ] || [ ! -e "$f" ] || into "$work/dns/each/${f##*/}" cat "$f" || return 1
  done
  if [ -n "${1-}" ] && has "$1"; then into "$work/dns/each/$me.conf" cat "$1" || return 1; fi
  set -- "$work/dns/each"/*.conf
  if [ -e "$1" ]; then
    why="a domain has more sets than a line of dnsmasq takes (1024 bytes)"
    into "$work/dns/dnsmasq.d/${snippet##*/}" joined "$@" || return 1
    why="the files of dnsmasq cannot be read"
    if has dnsmasq-cache.conf; then
      into "$work/cache" wanted_cache || return 1
    elif [ -e "$cache" ]; then
      into "$work/cache" cat "$cache" || return 1
    fi
  elif [ -e "$cache" ] && ! grep -q '^# hcipolc:' "$cache"; then
    into "$work/cache" cat "$cache" || return 1
  fi
  [ ! -s "$work/cache" ] || mv "$work/cache" "$work/dns/dnsmasq.d/${cache##*/}"
}
# As a whole, with the files of others: dnsmasq does not start over one bad line.
test_names() {
  command -v dnsmasq >/dev/null || { why="no dnsmasq is installed" && return 1; }
  ! has dnsmasq.conf || dnsmasq --test -C "$PWD/dnsmasq.conf" || { why="dnsmasq does not take dnsmasq.conf" && return 1; }
  cp -R "$work/dns" "$work/test" || return 1
  : >"$work/test/dnsmasq.conf"
  why="the files of dnsmasq cannot be read"
  other_files | while read -r f; do
    case $f in
      "$snippets"/*) into "$work/test/dnsmasq.d/${f##*/}" cat "$f" ;;
      *) into "$work/test/dnsmasq.conf" sed "s|$snippets|$work/test/dnsmasq.d|g" "$f" ;;
    esac || exit 1
  done || return 1
  why="dnsmasq would not start with all of its files"
  dnsmasq --test -C "$work/test/dnsmasq.conf" -7 "$work/test/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new" >"$work/tested" 2>&1
  tested=$?
  sed "s|$work/test/|$root/etc/|g" "$work/tested" >&2
  rm -rf "$work/test"
  return "$tested"
}
# put_names: what make_names made, in the place of what is there.
put_names() {
  why="the files of dnsmasq cannot be written"
  for f in "$snippet" "$cache"; do
    new=$work/dns/dnsmasq.d/${f##*/}
    if [ -e "$new" ] || [ -e "$f" ]; then cmp -s "$new" "$f" || changed_names=1; fi
    put_file "$new" "$f" || return 1
  done
  put_file "$work/dns/each/$me.conf" "$mine"
}
# The unit comes before dnsmasq's: in its own job it must not wait for that one's.
restart_dnsmasq() {
  [ -n "$changed_names" ] || return 0
  if [ -n "$systemctl" ] && "$systemctl" -q is-active dnsmasq; then
    why="dnsmasq does not start again"
    "$systemctl" ${at_boot:+--no-block} restart dnsmasq
  else
    say "restart dnsmasq: its files changed"
  fi
}
# At boot a gateway without names is better than one without rules.
load_names() {
  has dnsmasq.conf || [ -e "$mine" ] || return 0
  make_names dnsmasq.conf || { fail "$why" && return; }
  test_names || if [ -n "$at_boot" ]; then say "warning: $why: names stay blocked"; else roll_back "$why"; fi
  put_names && restart_dnsmasq || fail "$why"
}
drop_names() {
  make_names && put_names || left="$left; $mine ($why)"
  [ -z "$changed_names" ] || test_names || say "warning: $why"
  restart_dnsmasq || left="$left; $why"
}

remember_names() {
  why="the files of dnsmasq"
  into "$work/was" true || return 1
  for f in "$mine" "$snippet" "$cache"; do [ ! -e "$f" ] || into "$work/was.${f##*/}" cat "$f" || return 1; done
}
take_back_names() {
  for f in "$mine" "$snippet" "$cache"; do put_file "$work/was.${f##*/}" "$f" || return 1; done
  restart_dnsmasq
}

names_status() {
  has dnsmasq.conf || [ -e "$mine" ] || return 0
  has dnsmasq.conf || {
    differs "dnsmasq: fills sets that these files do not have"
    return
  }
  cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf"
  make_names dnsmasq.conf || die "cannot compare: $why"
  for f in "$snippet" "$cache"; do
    new=$work/dns/dnsmasq.d/${f##*/}
    { [ ! -e "$new" ] && [ ! -e "$f" ]; } || cmp -s "$new" "$f" ||
      differs "dnsmasq: $f is not what $names and dnsmasq-cache.conf say"
  done
  [ -z "$(rivals)" ] || differs "dnsmasq: other files have lines for the same names"
  [ -z "$systemctl" ] || "$systemctl" -q is-active dnsmasq || differs "dnsmasq: does not run, so names stay blocked"
  warn_of_names
}

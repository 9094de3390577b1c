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
  [ ! -e dnsmasq.conf ] || [ -d "$snippets" ] ||
    die "no $snippets, so every name would stay blocked: apt-get install dnsmasq, or link it to the folder that the" \
      "dnsmasq here reads"
}

# The files of others that dnsmasq reads.
other_files() {
  for f in "$root/etc/dnsmasq.conf" "$snippets"/*; do
    case $f in "$snippet" | "$cache" | *.dpkg-dist | *.dpkg-old | *.dpkg-new | *'~') continue ;; esac
    [ ! -f "$f" ] || echo "$f"
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
  bounds_of_others >"$work/bounds"
  awk 'FILENAME == ARGV[1] { set[$2]; next }
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
  [ -e dnsmasq.conf ] || return 0
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
# write_snippet: out of what is in $names.
write_snippet() {
  set -- "$names"/*.conf
  if [ ! -e "$1" ]; then
    [ ! -e "$snippet" ] || { rm -f "$snippet" && changed_names=1; }
    return
  fi
  joined "$@" >"$work/snippet" || { say "the sets of a domain fill more than a line of dnsmasq (1024 bytes)" && return 1; }
  cmp -s "$work/snippet" "$snippet" && return
  changed_names=1
  cp "$work/snippet" "$snippet" && chmod 644 "$snippet"
}
write_cache() {
  wanted_cache >"$work/cache"
  cmp -s "$work/cache" "$cache" && return
  [ -s "$work/cache" ] || [ -e "$cache" ] || return 0
  changed_names=1
  if [ -s "$work/cache" ]; then cp "$work/cache" "$cache" && chmod 644 "$cache"; else rm -f "$cache"; fi
}

# As a whole: dnsmasq does not start over one bad line.
test_names() {
  command -v dnsmasq >/dev/null || return 0
  conf=$root/etc/dnsmasq.conf
  [ -e "$conf" ] || conf=/dev/null
  dnsmasq --test -C "$conf" -7 "$snippets,.dpkg-dist,.dpkg-old,.dpkg-new"
}
restart_dnsmasq() {
  if [ -n "$systemctl" ] && "$systemctl" -q is-active dnsmasq; then
    "$systemctl" restart dnsmasq
  else
    say "restart dnsmasq: its files changed"
  fi
}
put_names() {
  if [ -e dnsmasq.conf ]; then
    dnsmasq --test -C "$PWD/dnsmasq.conf" || return 1
    write_cache || return 1
    mkdir -p "$names" && cp dnsmasq.conf "$mine" || return 1
  else
    rm -f "$mine"
  fi
  write_snippet || return 1
  [ -n "$changed_names" ] || return 0
  test_names && restart_dnsmasq
}
# At boot a gateway without names is better than one without rules.
load_names() {
  put_names && return
  [ -n "$at_boot" ] || roll_back "dnsmasq does not take dnsmasq.conf"
  say "warning: dnsmasq does not take dnsmasq.conf: names stay blocked"
}
drop_names() {
  rm -f "$mine"
  write_snippet
  [ -n "$changed_names" ] || return 0
  if test_names; then restart_dnsmasq; else say "warning: dnsmasq would not start with its files as they are"; fi
}

remember_names() {
  for f in "$mine" "$snippet" "$cache"; do [ ! -e "$f" ] || cp -p "$f" "$work/was.${f##*/}" || return 1; done
}
take_back_names() {
  for f in "$mine" "$snippet" "$cache"; do
    if [ -e "$work/was.${f##*/}" ]; then cp -p "$work/was.${f##*/}" "$f" || return 1; else rm -f "$f"; fi
  done
  [ -z "$changed_names" ] || restart_dnsmasq
}

names_status() {
  [ -e dnsmasq.conf ] || [ -e "$mine" ] || return 0
  [ -e dnsmasq.conf ] || {
    differs "dnsmasq: fills sets that these files do not have"
    return
  }
  cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf"
  joined "$names"/*.conf 2>/dev/null | cmp -s - "$snippet" || differs "dnsmasq: $snippet is not what $names says"
  wanted_cache | cmp -s - "$cache" || [ -z "$(wanted_cache)" ] || differs "dnsmasq: $cache is not dnsmasq-cache.conf"
  [ -z "$(rivals)" ] || differs "dnsmasq: other files have lines for the same names"
  warn_of_names
}

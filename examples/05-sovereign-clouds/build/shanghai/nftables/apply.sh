#!/bin/sh
# hcipolc: loads, undoes and compares the file beside it for cluster shanghai. Generated; changes are lost.
base='HCI-shanghai'

# What apply.sh does to the kernel: `base` names the table, which is all that it reads or touches.
kind=nftables
files=ruleset.nft
more=
need_own_tools() { need nft nftables; }
nft_holds_rules() { :; }

# now FILE: our table as nft shows it, nothing where it is not there.
now() {
  nft list tables >"$work/tables" || return 1
  : >"$1"
  ! grep -qx "table inet $base" "$work/tables" || nft -nn list table inet "$base" >"$1"
}
# wanted FILE: the same of a kernel that has ruleset.nft alone, in a namespace of its own.
wanted() { unshare -n sh -c "nft -f ruleset.nft && nft -nn list table inet '$base'" >"$1"; }

# names KIND FILE: the sets, maps or chains of a table as nft shows it.
names() { sed -n "s/^\t$1 \([^ ]*\) {\$/\1/p" "$2" | sort; }
# learnt FILE: the sets that dnsmasq adds to.
learnt() { awk '/^\tset / { name = $2 } /^\t\tflags .*timeout/ { print name }' "$1" | sort; }
# rules FILE: without what dnsmasq has added, each line and each element with the name of where it is. In which order
# sets and chains were made means nothing; lines of one place keep theirs.
rules() {
  awk '
    /^\t[a-z]/ { place = $1 " " $2; learnt = 0 }
    /^\t\tflags .*timeout/ { learnt = 1 }
    /^\t\telements = / { inside = 1 }
    inside && learnt { if (/}$/) inside = 0; next }
    {
      sub(/^[ \t]+/, "")
      if (inside) {
        if (/}$/) inside = 0
        sub(/^elements = \{ */, "")
        sub(/ *\}$/, "")
        sub(/,$/, "")
        gsub(/, */, "\n" place ": ")
      }
      if ($0 != "" && $0 != "}") print place ": " $0
    }' "$1" | sort -s -k1,2
}
same() {
  rules "$1" >"$work/rules.1"
  rules "$2" >"$work/rules.2"
  cmp -s "$work/rules.1" "$work/rules.2"
}

# gone FILE FILE: deletes what the first has and the second has not; nothing leads there any more.
gone() {
  for kind in map set chain; do
    names "$kind" "$1" >"$work/names.1"
    names "$kind" "$2" >"$work/names.2"
    comm -23 "$work/names.1" "$work/names.2" | sed "s/.*/delete $kind inet $base &/"
  done
}
# put FILE FILE TEXT: one transaction from the first state to the second, of which TEXT is the loader. No packet meets
# half of it, and what dnsmasq has added to sets that stay stays with them.
put() {
  {
    cat "$3"
    gone "$1" "$2" | sed '/^delete map/ { h; s/^delete/flush/; G; }'
  } >"$work/put"
  nft -f "$work/put"
}

take_stock() { now "$work/old"; }
load_rules() {
  wanted "$work/new" || return 1
  same "$work/old" "$work/new" || put "$work/old" "$work/new" ruleset.nft || return 1
  load_names
}
take_back_rules() {
  now "$work/now" || return 1
  if [ ! -s "$work/old" ]; then
    [ ! -s "$work/now" ] || nft delete table inet "$base"
    return
  fi
  {
    echo "table inet $base { }"
    echo "flush table inet $base"
    # A set that is gone is made anew by what nft showed of it; one that dnsmasq adds to keeps what it has.
    learnt "$work/now" >"$work/learnt"
    for kind in set map; do
      names "$kind" "$work/now" >"$work/names.1"
      names "$kind" "$work/old" >"$work/names.2"
      comm -12 "$work/names.1" "$work/names.2" | comm -23 - "$work/learnt" | sed "s/.*/flush $kind inet $base &/"
    done
    cat "$work/old"
  } >"$work/back"
  put "$work/now" "$work/old" "$work/back"
}
settle_rules() { :; }

check_rules() {
  wanted "$work/new" || die "ruleset.nft is not taken"
  nft -c -f ruleset.nft || die "ruleset.nft is not taken beside what is here"
}

rules_status() {
  now "$work/now" && wanted "$work/new" || die "cannot compare"
  if [ ! -s "$work/now" ]; then
    differs "not loaded"
  elif ! same "$work/new" "$work/now"; then
    differs "the table differs from ruleset.nft (- the file, + the kernel)"
    diff -U0 "$work/rules.1" "$work/rules.2" | sed '1,2d; /^@/d'
  fi
}

# Every table is asked.
place_status() { :; }

remove_rules() {
  now "$work/now" || die "cannot read what is there"
  [ ! -s "$work/now" ] || nft delete table inet "$base" || die "nft does not delete the table"
}

# ---- the same for every device. Its own are above: what `kind` of rules it loads, `files` that it needs and `more` that
# it may have, need_own_tools, nft_holds_rules, take_stock of what there is of ours, load_rules with load_names within it,
# take_back_rules, settle_rules once they stay, check_rules, rules_status, place_status and remove_rules.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS
    --yes              … never: the files have been tried
    --at-boot          … never, and dnsmasq keeps no rule away
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads at every boot as well what is loaded now (systemd)
  remove               takes all of $base off this machine
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere; systemd is asked there only if
# HCIPOLC_SYSTEMCTL says how. A cluster's rules for another kind of firewall may be here as well: nothing is called as
# theirs is.
root=${HCIPOLC_ROOT:-}
me=$kind-$base
run=$root/run/hcipolc
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
at_boot=
patience=20 # seconds
systemctl=${HCIPOLC_SYSTEMCTL:-}
[ -n "$systemctl$root" ] || systemctl=$(command -v systemctl)
cd -- "$(dirname -- "$0")" || exit 1

say() { echo "$base: $*"; }
die() {
  say "$*" >&2
  exit 1
}
differs() {
  say "$*"
  same=1
}

# need TOOL PACKAGE: in `missing`, the packages of those that are not here.
need() {
  command -v "$1" >/dev/null && return
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
need_tools() {
  missing=
  need flock util-linux
  need unshare util-linux
  need_own_tools
  [ ! -e dnsmasq.conf ] || [ -n "$at_boot" ] || need dnsmasq dnsmasq
  [ -z "$missing" ] || die "not installed here:$missing (Debian, Ubuntu: apt-get install$missing)"
  [ -n "$at_boot" ] || need_snippets
}

# A folder of its own, in which nobody tidies up at boot.
make_work() {
  mkdir -p "$run" || die "cannot write $run"
  work=$(mktemp -d "$run/work.XXXXXX") || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
}
# Of those that have loaded something and wait, behind a comma.
waiting() {
  for w in "$run"/*.waiting; do
    [ ! -e "$w" ] || { w=${w##*/} && echo ", ${w%.waiting} waits to be confirmed"; }
  done
}
lock() {
  make_work
  exec 9>"$run/lock"
  flock -w "$patience" 9 || die "another apply.sh is at work$(waiting)"
}
# Who only reads waits for nobody.
look() {
  make_work
  exec 9>"$run/lock"
  flock -n -s 9 || say "another apply.sh is at work$(waiting): what it has loaded may change yet"
  exec 9>&-
}

# ---- at boot: a copy of the files, and a unit that loads it

homes=$root/etc/hcipolc
kept=$homes/$me
units=$root/etc/systemd/system
unit=hcipolc-$me.service

# What loads rules of others at boot may begin with taking away all rules: this comes after it, and again whenever it is
# run again.
unit_text() {
  cat <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules; after those who load a
# whole ruleset of their own, \`flush ruleset\` and all, and again whenever they do.
[Unit]
Description=hcipolc: packet filter rules of $base ($kind)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service nftables.service netfilter-persistent.service
PartOf=nftables.service netfilter-persistent.service
ReloadPropagatedFrom=nftables.service netfilter-persistent.service
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
ExecReload=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot

[Install]
WantedBy=sysinit.target
TEXT
}

# same_as_loaded: nothing is to come at boot that has never been loaded.
same_as_loaded() {
  same=0
  rules_status >"$work/said"
  [ ! -e dnsmasq.conf ] || cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf" >>"$work/said"
  [ "$same" = 0 ] || cat "$work/said" >&2
  return "$same"
}
# The copies but for one.
drop_copies() {
  for d in "$kept".??????; do [ ! -d "$d" ] || [ "$d" = "$1" ] || rm -rf "$d"; done
}

persist() {
  need_tools
  lock
  same_as_loaded || die "these files are not what is loaded: \`apply\` and \`confirm\` them first"
  mkdir -p "$homes" "$units" || die "cannot write $homes"
  new=$(mktemp -d "$kept.XXXXXX") || die "cannot write beside $kept"
  trap 'rm -rf "$work" "$new" "$new.link" "$units/$unit.new"' EXIT
  for f in $files $more dnsmasq.conf dnsmasq-cache.conf apply.sh; do
    [ ! -e "$f" ] || cp "$f" "$new/" || die "cannot copy $f"
  done
  unit_text >"$units/$unit.new" && chmod 644 "$units/$unit.new" || die "cannot write $unit"
  sync "$new"/* "$new" "$units/$unit.new" || die "cannot write $kept"
  # A link changes in one step, so that a boot meets the one copy or the other.
  ln -s "${new##*/}" "$new.link" && mv -T "$new.link" "$kept" || die "cannot replace $kept"
  trap 'rm -rf "$work"' EXIT
  mv "$units/$unit.new" "$units/$unit" || die "cannot write $unit"
  drop_copies "$new"
  if [ -n "$systemctl" ]; then
    "$systemctl" daemon-reload && "$systemctl" -q enable "$unit" || die "systemctl does not take the unit"
  else
    say "enable $unit"
  fi
  warn_of_flush
  say "loaded at every boot, from /etc/hcipolc/$me"
}

warn_of_flush() {
  nft_holds_rules && grep -Eqs '^[[:blank:]]*flush[[:blank:]]+ruleset' "$root/etc/nftables.conf" || return 0
  say "note: /etc/nftables.conf has \`flush ruleset\`, so loading it takes these rules away; after \`persist\`," \
    "\`systemctl restart nftables\` loads them again, \`nft -f\` does not"
}

boot_status() {
  [ -e "$units/$unit" ] || {
    say "not loaded at boot (apply.sh persist)"
    return
  }
  for f in $files $more dnsmasq.conf dnsmasq-cache.conf apply.sh; do
    [ -e "$f" ] || [ -e "$kept/$f" ] || continue
    cmp -s "$f" "$kept/$f" || differs "at boot another $f is loaded than this one (apply.sh persist)"
  done
}

# A unit that is gone but still active could not be started again later.
drop_boot() {
  if [ -e "$units/$unit" ]; then
    [ -z "$systemctl" ] || "$systemctl" -q disable --now "$unit" || say "warning: systemctl does not stop $unit"
    rm -f "$units/$unit"
    [ -z "$systemctl" ] || "$systemctl" daemon-reload || say "warning: systemctl does not reload"
  fi
  rm -rf "$kept"
  drop_copies ""
}

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

# ---- commands

# What was there before, of ours.
roll_back() {
  trap '' INT TERM
  rm -f "$run/$me.waiting"
  say "taking it back: $*" >&2
  bad=
  take_back_rules || bad=1
  take_back_names || bad=1
  [ -z "$bad" ] || die "NOT all of it could be taken back: look at what is loaded"
  die "what was there before is back"
}

await() {
  token=$run/$me.confirmed
  rm -f "$token"
  : >"$run/$me.waiting"
  say "loaded; within $within s, from a new connection: sh $PWD/apply.sh confirm"
  left=$within
  while [ "$left" -gt 0 ] && [ ! -e "$token" ]; do
    sleep 1
    left=$((left - 1))
  done
  rm -f "$run/$me.waiting"
  [ -e "$token" ] || roll_back "not confirmed within $within s"
  rm -f "$token"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --at-boot) within= at_boot=1 patience=300 ;;
      --within) [ $# -gt 1 ] && within=$2 && shift || usage ;;
      *) usage ;;
    esac
    shift
  done
  case $within in *[!0-9]* | 0*) usage ;; esac
  need_tools
  lock
  take_stock && remember_names || die "cannot read what is there now; nothing was changed"
  warn_of_names
  # A lost connection must not keep this from taking back what cut it.
  trap '' HUP PIPE
  trap 'roll_back interrupted' INT TERM
  load_rules || roll_back "the kernel does not take the rules"
  [ -z "$within" ] || await
  trap '' INT TERM
  settle_rules
  say "done"
}

confirm() {
  [ -e "$run/$me.waiting" ] || die "nothing waits to be confirmed"
  : >"$run/$me.confirmed"
  say "confirmed"
}

check() {
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh"; done
  need_tools
  look
  check_rules
  [ ! -e dnsmasq.conf ] || dnsmasq --test -C "$PWD/dnsmasq.conf" || die "dnsmasq.conf is not taken"
  warn_of_names
  warn_of_flush
  say "all files are taken"
}

status() {
  need_tools
  look
  same=0
  rules_status
  place_status
  names_status
  boot_status
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

remove() {
  lock
  remove_rules
  drop_names
  drop_boot
  rm -f "$run/$me.confirmed"
  rmdir "$names" "$homes" 2>/dev/null || : # of others as well, if there are any
  [ ! -e "$cache" ] || say "$cache stays: other clusters here may need it"
  say "nothing else of it is left"
}

[ $# -gt 0 ] || usage
command=$1
shift
case $command in
  apply) apply "$@" ;;
  check | confirm | status | persist | remove)
    [ $# = 0 ] || usage
    "$command"
    ;;
  *) usage ;;
esac

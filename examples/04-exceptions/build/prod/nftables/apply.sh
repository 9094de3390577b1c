#!/bin/sh
# hcipolc: loads, undoes and compares the file beside it for cluster prod. Generated; changes are lost.
base='HCI-prod'
files='ruleset.nft'

# What apply.sh does to the kernel: `base` names the table, which is all that it reads or touches, and `files` what
# belongs beside this.
kind=nftables
remove_option=
need_own_tools() { need nft nftables; }
nft_holds_rules() { :; }

# now FILE: our table as nft shows it, nothing where it is not there.
now() {
  why="the table"
  into "$work/tables" nft list tables || return 1
  if grep -qx "table inet $base" "$work/tables"; then into "$1" nft -nn list table inet "$base"; else into "$1" true; fi
}
# wanted FILE: the same of a kernel that has ruleset.nft alone, in a namespace of its own.
wanted() {
  why="ruleset.nft is not taken"
  into "$1" unshare -n sh -c "nft -f ruleset.nft && nft -nn list table inet '$base'"
}

# things FILE: what a table has, as nft shows it: `map NAME`, `set NAME`, `chain NAME`, and what only others put there,
# `counter NAME`, `ct helper NAME`.
things() { sed -n 's/^\t\([a-z].*\) {$/\1/p' "$1" | sort; }
of_kind() { sed -n "s/^$1 //p"; }
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
same() { into "$work/rules.1" rules "$1" && into "$work/rules.2" rules "$2" && cmp -s "$work/rules.1" "$work/rules.2"; }
# made FILE: how each of its sets, maps and chains is made, without what is in it.
made() {
  awk '/^\t[a-z].* \{$/ { name = $1 " " $2 } /^\t\t(type|flags|timeout|size|gc-interval|auto-merge|typeof) ?/ { print name ": " $0 }
    /^\t\tcounter$/ && name !~ /^chain/ { print name ": counter" }' "$1" | sort
}
# otherwise FILE FILE: what the one has made otherwise than the other.
otherwise() { comm -3 "$1" "$2" | sed 's/^\t*//; s/: .*//' | sort -u; }

# put FILE FILE TEXT [-c]: one transaction from the first state to the second, of which TEXT is the loader. What is gone,
# and what is made otherwise, is emptied and deleted; what dnsmasq has added to sets that stay stays with them.
put() {
  into "$work/things.1" things "$1" && into "$work/things.2" things "$2" || return 1
  into "$work/made.1" made "$1" && into "$work/made.2" made "$2" || return 1
  otherwise "$work/made.1" "$work/made.2" >"$work/differ" || return 1
  comm -12 "$work/things.1" "$work/things.2" | comm -12 - "$work/differ" >"$work/anew" || return 1
  comm -23 "$work/things.1" "$work/things.2" >"$work/gone" || return 1
  into "$work/put" steps "$3" && nft ${4-} -f "$work/put"
}
# delete FILE: maps first, which may lead to chains.
delete() {
  of_kind map <"$1" | sed "s/.*/flush map inet $base &/"
  for k in map set chain; do of_kind "$k" <"$1" | sed "s/.*/delete $k inet $base &/"; done
  sed -nE "/^(map|set|chain) /!s/(.*) ([^ ]*)/delete \1 inet $base \2/p" "$1"
}
steps() {
  if [ -s "$work/anew" ]; then
    echo "flush table inet $base"
    of_kind map <"$work/things.1" | sed "s/.*/flush map inet $base &/"
    delete "$work/anew"
  fi
  cat "$1" && delete "$work/gone"
}

take_stock() { now "$work/old"; }
is_loaded() { [ -s "$work/old" ]; }
watch() { nft 'table inet hcipolc-watch { chain forward { type filter hook forward priority 0; ct state new; }; }'; }
unwatch() { nft delete table inet hcipolc-watch 2>/dev/null; }
keep_before() { :; }
warn_of_wait() { :; }
warn_of_saved() { :; }
load_rules() {
  wanted "$work/new" && { same "$work/old" "$work/new" || put "$work/old" "$work/new" ruleset.nft; } ||
    fail "the kernel does not take ruleset.nft"
  load_names
}
verify_rules() { now "$work/now" && [ -s "$work/new" ] && same "$work/new" "$work/now"; }
take_back_rules() {
  now "$work/now" || return 1
  if [ ! -s "$work/old" ]; then
    [ ! -s "$work/now" ] || nft delete table inet "$base"
    return
  fi
  same "$work/now" "$work/old" || { into "$work/back" back && put "$work/now" "$work/old" "$work/back"; } || return 1
  now "$work/now" && same "$work/now" "$work/old"
}
# back: a set that is gone is made anew by what nft showed of it; one that dnsmasq adds to keeps what it has. What is made
# otherwise now is gone by then.
back() {
  printf 'table inet %s { }\nflush table inet %s\n' "$base" "$base"
  things "$work/now" >"$work/back.1" && things "$work/old" >"$work/back.2" && learnt "$work/now" >"$work/learnt" || return 1
  into "$work/made.1" made "$work/now" && into "$work/made.2" made "$work/old" || return 1
  otherwise "$work/made.1" "$work/made.2" >"$work/differ" || return 1
  for k in set map; do
    comm -12 "$work/back.1" "$work/back.2" | comm -23 - "$work/differ" | of_kind "$k" | comm -23 - "$work/learnt" | sed "s/.*/flush $k inet $base &/"
  done
  cat "$work/old"
}
settle_rules() { :; }

check_rules() {
  wanted "$work/new" || die "$why"
  now "$work/old" && put "$work/old" "$work/new" ruleset.nft -c || die "ruleset.nft is not taken beside what is here"
}

rules_status() {
  now "$work/now" && wanted "$work/new" || return 1
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

# ---- the same for every device. Its own are above: what `kind` of rules it loads, need_own_tools, nft_holds_rules,
# take_stock of what there is of ours, which is_loaded asks, keep_before and warn_of_wait for what goes with it, watch and
# unwatch, load_rules with load_names within it, verify_rules, take_back_rules, settle_rules once they stay, check_rules,
# warn_of_saved, rules_status, place_status and remove_rules, which may have a remove_option. What cannot be read or
# written fails with `why`.

usage() {
  cat <<TEXT
usage: sh apply.sh COMMAND, as root, beside the files that it loads

  check                whether this machine takes the files; changes no rule
  apply                loads them, and takes them back after 60 s unless confirmed
    --within SECONDS   … after SECONDS, 300 at most
    --yes              … never: the files have been tried
    --at-boot          … never, and what is loaded stays, whatever fails
  confirm              keeps what \`apply\` loaded; from a new connection, which proves that you still get in
  status               what differs from the files; 0 if nothing does
  persist              loads at every boot as well what is loaded now (systemd)
  remove               takes all of $base off this machine${remove_option:+
    $remove_option   … and brings nothing back of what was here before}
TEXT
  exit 2
}

# What this writes outside the kernel lies below $root, so that it can be tried elsewhere; systemd is asked there only if
# HCIPOLC_SYSTEMCTL says how. HCIPOLC_WATCH is how long a first load looks at open connections. A cluster's rules for another kind of firewall may be here as well: nothing is called as
# theirs is.
root=${HCIPOLC_ROOT:-}
me=$kind-$base
run=$root/run/hcipolc
PATH=$PATH:/usr/sbin:/sbin
export PATH LC_ALL=C
umask 077
at_boot=
failed=
why=
patience=20 # seconds
watch_seconds=${HCIPOLC_WATCH:-5}
systemctl=${HCIPOLC_SYSTEMCTL:-}
[ -n "$systemctl$root" ] || systemctl=$(command -v systemctl)
cd -- "$(dirname -- "$0")" || exit 1

say() { printf '%s\n' "$base: $*"; }
die() {
  say "$*" >&2
  exit 1
}
differs() {
  say "$*"
  same=1
}
# What does not succeed, but is no reason to take all back; and what is, but at boot, where half is more than nothing.
broken() {
  say "$*" >&2
  failed=1
}
fail() { if [ -n "$at_boot" ]; then broken "$*"; else roll_back "$*"; fi; }

# into FILE COMMAND…: what the command writes, all of it. The tools of the kernel do not say that a file system is full;
# cat does.
into() {
  into=$1
  shift
  into_status=$({ { "$@" && echo ok >&3; } | cat >"$into"; } 3>&1) && [ "$into_status" = ok ]
}
# put_file NEW FILE: the one in the place of the other, which goes if there is none; in one step.
put_file() {
  if [ ! -e "$1" ]; then
    [ ! -e "$2" ] || rm -f "$2"
  elif ! cmp -s "$1" "$2"; then
    mkdir -p "${2%/*}" && cp "$1" "$2~" && chmod 644 "$2~" && mv "$2~" "$2" || { rm -f "$2~" && false; }
  fi
}

# has FILE: whether it belongs here. Another one that lies here is of another revision.
has() { case " $files " in *" $1 "*) ;; *) false ;; esac }
need_files() {
  for f in $files; do [ -e "$f" ] || die "no $f beside apply.sh: copy the whole folder"; done
}
# need TOOL PACKAGE: in `missing`, the packages of those that are not here.
need() {
  command -v "$1" >/dev/null && return
  case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac
}
need_kernel_tools() {
  missing=
  need flock util-linux
  need unshare util-linux
  need_own_tools
}
need_no_more() { [ -z "$missing" ] || die "not installed here:$missing (Debian, Ubuntu: apt-get install$missing)"; }
need_tools() {
  need_files
  need_kernel_tools
  ! has dnsmasq.conf || [ -n "$at_boot" ] || need dnsmasq dnsmasq
  need_no_more
  [ -n "$at_boot" ] || need_snippets
}

# A folder of its own, in which nobody tidies up at boot.
make_work() {
  mkdir -p "$run" || die "cannot write $run"
  work=$(mktemp -d "$run/work.$$.XXXXXX") || die "no temporary folder"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM QUIT
  # Of those who were killed.
  for w in "$run"/work.*; do
    pid=${w#"$run/work."}
    kill -0 "${pid%%.*}" 2>/dev/null || rm -rf "$w"
  done
}
# Of those that have loaded something and wait, behind a comma.
waiting() {
  for w in "$run"/*.waiting; do
    [ ! -e "$w" ] || { w=${w##*/} && echo ", ${w%.waiting} waits to be confirmed"; }
  done
}
lock() {
  make_work
  exec 9>"$run/lock" || exit 1
  flock -w "$patience" 9 || die "another apply.sh is at work$(waiting)"
  tell_of_killed
  rm -f "$run"/*.waiting "$run"/*.confirmed
}
# Of those that hold the lock no more.
tell_of_killed() {
  for w in "$run"/*.waiting "$run"/*.confirmed; do
    [ ! -e "$w" ] || { w=${w##*/} && say "note: an apply of ${w%.*} ended before it was done; what it loaded stands, unconfirmed"; }
  done
}
# Who only reads waits for nobody.
look() {
  make_work
  exec 9>"$run/lock" || exit 1
  if flock -n -s 9; then tell_of_killed; else say "another apply.sh is at work$(waiting): what it has loaded may change yet"; fi
  exec 9>&-
}

# ---- at boot: a copy of the files, and a unit that loads it

homes=$root/etc/hcipolc
kept=$homes/$me
units=$root/etc/systemd/system
unit=hcipolc-$me.service

# What loads rules of others at boot may begin with taking away all rules: this comes after it, and again whenever it is
# run again. Those that are not here cost nothing.
loaders='nftables.service netfilter-persistent.service iptables.service ip6tables.service ferm.service firewalld.service'
unit_text() {
  cat <<TEXT
# Written by hcipolc's apply.sh. Before the network, so that no packet passes without the rules; after those who load a
# whole ruleset of their own, \`flush ruleset\` and all, and again whenever they do.
[Unit]
Description=hcipolc: packet filter rules of $base ($kind)
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service $loaders
PartOf=$loaders
ReloadPropagatedFrom=$loaders
Wants=network-pre.target
Before=network-pre.target dnsmasq.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
ExecReload=/bin/sh /etc/hcipolc/$me/apply.sh apply --at-boot
TimeoutStartSec=360

[Install]
WantedBy=sysinit.target $loaders
TEXT
}

# same_as_loaded: nothing is to come at boot that has never been loaded.
same_as_loaded() {
  same=0
  rules_status >"$work/said" || die "cannot read or compare: $why"
  ! has dnsmasq.conf || cmp -s dnsmasq.conf "$mine" || differs "dnsmasq: its names are not those of dnsmasq.conf" >>"$work/said"
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
  for f in $files apply.sh; do cp "$f" "$new/" || die "cannot copy $f"; done
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
  warn_of_saved
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
  for f in $files apply.sh; do
    cmp -s "$f" "$kept/$f" || differs "at boot another $f is loaded than this one (apply.sh persist)"
  done
  unit_text | cmp -s - "$units/$unit" || differs "$unit is not what \`apply.sh persist\` writes"
  [ -z "$systemctl" ] || "$systemctl" -q is-enabled "$unit" || differs "$unit is not enabled, so nothing is loaded at boot"
}

# A unit that is gone but still active could not be started again later.
drop_boot() {
  if [ -e "$units/$unit" ]; then
    [ -z "$systemctl" ] || "$systemctl" -q disable --now "$unit" || left="$left; systemctl does not stop $unit"
    away "$units/$unit"
    [ -z "$systemctl" ] || "$systemctl" daemon-reload || left="$left; systemctl does not reload"
  fi
  away "$kept" "$units/$unit.new"
  for d in "$kept".?????? "$kept".??????.link; do [ ! -e "$d" ] && [ ! -L "$d" ] || away "$d"; done
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

# ---- commands

# What was there before, of ours. It acts before it speaks: who would hear it may be cut off.
roll_back() {
  trap '' INT TERM QUIT
  rm -f "$work/room" "$run/$me.waiting"
  bad=
  unwatch
  take_back_rules || bad=1
  take_back_names || bad=1
  rm -f "$run/$me.confirmed"
  [ -n "$bad" ] || die "$*; taken back: what was there before is back"
  rm -rf "$rescue"
  trap - EXIT
  mv "$work" "$rescue" || rescue=$work
  die "$*; NOT all of it could be taken back: look at what is loaded; what was there before is in $rescue"
}
# What would mend it.
rescue=$run/not-taken-back.$me

# To the first rules that ask for the state of a connection, one that is open already is new, and its next packet may come
# from whom nothing allows to open one. So before the first load somebody asks who decides nothing, for as long as it takes
# until most connections have had a packet each way. At boot none is open.
see_connections() {
  [ -z "$at_boot" ] && [ "$watch_seconds" -gt 0 ] && ! is_loaded || return 0
  watch || { say "warning: connections that are open now cannot be seen, and may be refused" && return; }
  # Not before: this is what the connection that it comes through is seen by.
  say "first $watch_seconds s to see which connections are open"
  sleep "$watch_seconds" 9>&-
}

await() {
  rm -f "$run/$me.confirmed" "$run/$me.kept"
  : >"$run/$me.waiting" || roll_back "cannot write $run"
  say "loaded; within $within s, from a new connection: sh '$PWD/apply.sh' confirm"
  warn_of_wait
  left=$within
  while [ "$left" -gt 0 ] && [ -e "$run/$me.waiting" ]; do
    sleep 1 9>&-
    left=$((left - 1))
  done
  # Of two who rename one file one succeeds: this one, or `confirm`.
  mv "$run/$me.waiting" "$work/late" 2>/dev/null && roll_back "not confirmed within $within s"
  [ -e "$run/$me.confirmed" ] || roll_back "not confirmed"
}

apply() {
  within=60
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) within= ;;
      --at-boot) within= at_boot=1 patience=330 ;; # longer than anybody waits to be confirmed
      --within)
        shift
        within=${1-}
        case $within in '' | *[!0-9]* | 0* | ????*) usage ;; esac
        [ "$within" -le 300 ] || usage
        ;;
      *) usage ;;
    esac
    shift
  done
  need_tools
  lock
  unwatch
  take_stock && remember_names || die "cannot read what is there now ($why); nothing was changed"
  # To take all back, even if something else fills this file system meanwhile.
  into "$work/state" cat "$work"/old* "$work"/was* $files &&
    into "$work/room" cat "$work/state" "$work/state" "$work/state" "$work/state" || [ -n "$at_boot" ] ||
    die "no room in $run for what is there now; nothing was changed"
  keep_before || fail_before
  warn_of_names
  # A lost connection, or a terminal that stops this, must not keep it from taking back what cut it.
  trap '' HUP PIPE TSTP TTOU USR1 USR2 ALRM
  [ -n "$at_boot" ] || trap 'roll_back interrupted' INT TERM QUIT
  see_connections
  load_rules
  unwatch
  verify_rules || fail "the kernel has not what the files say"
  [ -z "$within" ] || await
  trap '' INT TERM QUIT
  settle_rules
  [ -z "$within" ] || mv "$run/$me.confirmed" "$run/$me.kept"
  [ -z "$failed" ] || die "NOT all of it succeeded"
  say "done"
}
fail_before() {
  [ -n "$at_boot" ] || die "$before cannot be written, so \`remove\` would not know what was here; nothing was changed"
  broken "$before cannot be written, so \`remove\` will not know what was here"
}

confirm() {
  [ -e "$run/$me.waiting" ] || die "nothing waits to be confirmed"
  exec 9>"$run/lock" || exit 1
  ! flock -n 9 || die "what waited was killed: what it loaded stands, unconfirmed"
  mv "$run/$me.waiting" "$run/$me.confirmed" 2>/dev/null || die "too late: it is being taken back"
  # Until it has answered, or is gone.
  while [ -e "$run/$me.confirmed" ] && ! flock -n 9; do sleep 1; done
  [ -e "$run/$me.kept" ] || die "too late, or what waited was killed: look at what is loaded"
  rm -f "$run/$me.kept"
  say "confirmed"
}

check() {
  need_tools
  look
  check_rules
  { ! has dnsmasq.conf && [ ! -e "$mine" ]; } || { make_names dnsmasq.conf && test_names; } || die "$why"
  warn_of_names
  warn_of_flush
  warn_of_saved
  say "all files are taken"
}

status() {
  need_tools
  look
  same=0
  rules_status || die "cannot read or compare: $why"
  place_status
  names_status
  boot_status
  warn_of_saved
  [ "$same" = 1 ] || say "as the files say"
  return "$same"
}

# away FILE…: what stays is in `left`.
away() {
  for a in "$@"; do rm -rf "$a" || left="$left; $a"; done
}
remove() {
  need_kernel_tools
  need_no_more
  lock
  unwatch
  left=
  remove_rules
  drop_names
  drop_boot
  away "$run/$me.kept" "$rescue"
  rmdir "$names" "$homes" 2>/dev/null || : # of others as well, if there are any
  [ -z "$left" ] || die "the rules are gone; NOT removed: ${left#; }"
  say "nothing of it is left"
}

[ $# -gt 0 ] || usage
command=$1
shift
case $command in
  apply) apply "$@" ;;
  check | confirm | status | persist | remove)
    [ $# = 0 ] || { [ "$command $*" = "remove $remove_option" ] && without_before=1; } || usage
    "$command"
    ;;
  *) usage ;;
esac

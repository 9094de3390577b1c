# What the scripts that try apply.sh share; read by them, in a network namespace of its own.
here=$PWD
export HCIPOLC_ROOT=$here/root XTABLES_LOCKFILE=$here/lock
mkdir -p root/etc/dnsmasq.d root/run tools
PATH=$PATH:/usr/sbin:/sbin
for tool in iptables ip6tables; do
  for part in "" -save -restore; do ln -s "$(command -v "$tool-$V$part")" "tools/$tool$part"; done
done
second() { printf '#!/bin/sh\nexec /bin/sleep %s\n' "$1" >tools/sleep && chmod +x tools/sleep; } # what apply.sh calls one
second 0.1
PATH=$here/tools:$PATH
export PATH

ok() {
  name=$1
  shift
  if "$@" >out 2>&1; then echo "ok $name"; else
    echo "not ok $name"
    cat out
  fi
}
fails() { ! "$@"; }
# All that the kernel has, without counters and times; members of sets that dnsmasq fills have a timeout.
state() {
  iptables-save -t filter | sed '/^#/d; s/\[.*\]//'
  ip6tables-save -t filter | sed '/^#/d; s/\[.*\]//'
  ipset save | sed 's/initval [^ ]*//; s/ timeout [0-9]*$//' | sort
}
stays() {
  state >"$here/before"
  "$@" >"$here/said" 2>&1
  status=$?
  state | diff "$here/before" -
}
same_as() { state | diff "$here/$1" -; }
# The same with nftables' rules, where both kinds are on one machine.
here_state() {
  state
  nft -nn list table inet HCI-prod 2>/dev/null | sed 's/ expires [0-9hms]*//g'
}
leaves() { here_state | diff "$here/$1" -; }
apply() {
  sh "$1/apply.sh" apply --yes
}
says() { # says WORDS COMMAND…: whatever it returns
  words=$1
  shift
  "$@" >"$here/said" 2>&1
  grep -q -e "$words" "$here/said" || { cat "$here/said" && return 1; }
}
# until_so COMMAND…: for 60 s at most.
until_so() { for i in $(seq 600); do ! "$@" || return 0 && /bin/sleep 0.1; done; }
# until_waits NAME: until it has loaded, and waits to be confirmed.
until_waits() { until_so test -e "root/run/hcipolc/$1.waiting"; }

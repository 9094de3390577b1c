# apply.sh of two policies, `first` and `second`, and of a machine in `host`, in a network namespace of its own.
# usage: sh nftables_apply.sh, in a folder with first/, second/ and host/
# Writes `ok …` or `not ok …` for each check, and `done`.
here=$PWD
export HCIPOLC_ROOT=$here/root
mkdir -p root/etc/dnsmasq.d root/run
# What apply.sh calls a second.
mkdir tools
printf '#!/bin/sh\nexec /bin/sleep 0.1\n' >tools/sleep
chmod +x tools/sleep
PATH=$here/tools:$PATH:/usr/sbin:/sbin
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
# All that the kernel has, without times; in which order sets and chains were made means nothing.
state() {
  nft -nn list ruleset | sed 's/ expires [0-9hms]*//g' |
    awk '/^[a-z]/ { table = $3; place = "" } /^\t[a-z]/ { place = $1 " " $2 } /[a-z0-9]/ { print table, place ":", $0 }' |
    sort -s -k1,3
}
stays() {
  state >"$here/before"
  "$@" >"$here/said" 2>&1
  status=$?
  state | diff "$here/before" -
}
same_as() { state | diff "$here/$1" -; }
apply() { sh "$1/apply.sh" apply --yes; }
handles() { nft -a -nn list table inet HCI-prod | grep -o 'handle [0-9]*'; }

nft add table inet HCI-production
nft add chain inet HCI-production forward '{ type filter hook forward priority 0; }'
nft add rule inet HCI-production forward ip saddr 192.0.2.1 drop
state >nothing

ok "check changes nothing" stays sh first/apply.sh check
ok "check takes the files" test "$status" = 0
ok "what is not loaded differs" fails sh first/apply.sh status
ok "no number is no time" fails sh first/apply.sh apply --within soon
ok "nothing waits" fails sh first/apply.sh confirm
ok "and nothing was loaded" same_as nothing

ok "an apply that nobody confirms ends" fails sh first/apply.sh apply --within 1
ok "and leaves what was there" same_as nothing
ok "and no file of names" fails ls root/etc/dnsmasq.d/*

sh first/apply.sh apply --within 300 >applied 2>&1 &
for i in $(seq 600); do [ ! -e root/run/hcipolc/nftables-HCI-prod.waiting ] || break && sleep 1; done
sh first/apply.sh confirm >/dev/null 2>&1
ok "an apply that somebody confirms succeeds" wait $!
ok "its state is the file's" sh first/apply.sh status
ok "names are dnsmasq's" cmp first/dnsmasq.conf root/etc/hcipolc/dnsmasq.d/nftables-HCI-prod.conf
state >first.state
nft add element inet HCI-prod dns4.example '{ 192.0.2.80 }'
state >learnt.state
handles >handles.first
ok "applying again changes nothing" stays apply first
ok "and it succeeds" test "$status" = 0
handles >handles.again
ok "and no rule is loaded anew" cmp handles.first handles.again
ok "and what dnsmasq learnt stays" grep -q 'elements = { 192.0.2.80' before
ok "which is no difference" sh first/apply.sh status

# A policy without names gets those of the first.
with_names() {
  cp first/dnsmasq* "$1" && sed -i "s/^files='/&dnsmasq.conf dnsmasq-cache.conf /" "$1/apply.sh"
}
# What goes wrong at each step is taken back.
for broken in ruleset.nft dnsmasq.conf; do
  rm -rf third
  cp -r second third
  [ "$broken" != dnsmasq.conf ] || with_names third
  echo 'no such line' >>"third/$broken"
  ok "a broken $broken is refused" fails apply third
  ok "a broken $broken leaves what was there" same_as learnt.state
  ok "a broken $broken leaves its names" cmp first/dnsmasq.conf root/etc/hcipolc/dnsmasq.d/nftables-HCI-prod.conf
done
# Chains that lead in circles are for the kernel alone to find.
sed 's/^    jump allow$/    jump ours/' second/ruleset.nft >third/ruleset.nft
cp second/apply.sh third
ok "a circle is there" fails cmp -s second/ruleset.nft third/ruleset.nft
ok "check refuses a circle" fails sh third/apply.sh check
ok "so does apply" fails apply third
ok "and what was there stays" same_as learnt.state

ok "another policy that nobody confirms ends" fails sh second/apply.sh apply --within 1
ok "and leaves what was there, with what dnsmasq learnt" same_as learnt.state
cp -r first otherwise
sed -i 's/set v4.servers { type ipv4_addr; flags interval;/& auto-merge;/; s/10\.0\.0\.2/10.0.0.3/' otherwise/ruleset.nft
ok "sets that are made otherwise" fails cmp -s first/ruleset.nft otherwise/ruleset.nft
ok "and that nobody confirms" fails sh otherwise/apply.sh apply --within 1
ok "are made as they were" same_as learnt.state
ok "another policy is applied" apply second
ok "its state is its file's" sh second/apply.sh status
ok "chains that it does not have are gone" fails nft list chain inet HCI-prod allow.wac
ok "sets that it does not have are gone" fails nft list set inet HCI-prod dns4.example
ok "and its names are gone" fails ls root/etc/hcipolc/dnsmasq.d/nftables-HCI-prod.conf
ok "the first differs now" fails sh first/apply.sh status
ok "back to the first" apply first
ok "is as it was" same_as first.state

nft insert rule inet HCI-prod allow ip saddr 198.51.100.1 accept
nft add element inet HCI-prod v4.servers '{ 198.51.100.2 }'
sh first/apply.sh status >said
ok "a rule of somebody else is shown" grep -q '^+chain allow: ip saddr 198.51.100.1 accept' said
ok "a member of somebody else is shown" grep -q '^+set v4.servers: 198.51.100.2' said
ok "applying takes both out" apply first
ok "and leaves what the file says" same_as first.state

ok "it stays over a boot" sh first/apply.sh persist
ok "and again" sh first/apply.sh persist
ok "as these files" diff -r first root/etc/hcipolc/nftables-HCI-prod
ok "with a unit" grep -q '^ExecStart=/bin/sh /etc/hcipolc/nftables-HCI-prod/apply.sh apply --at-boot$' root/etc/systemd/system/hcipolc-nftables-HCI-prod.service
ok "that starts before the network" grep -q '^Before=network-pre.target' root/etc/systemd/system/hcipolc-nftables-HCI-prod.service
nft delete table inet HCI-prod
ok "what is kept can be applied" apply root/etc/hcipolc/nftables-HCI-prod
ok "and is the same" same_as first.state

ok "remove" sh first/apply.sh remove
ok "leaves the gateway as it was" same_as nothing
ok "and no file but the cache's" test "$(find root -type f | grep -cv 'lock$\|hcipolc-cache.conf$')" = 0
ok "remove again" sh first/apply.sh remove

# A machine's own table.
ok "a machine's rules" apply host
ok "are what the file says" sh host/apply.sh status
ok "input leads to them" nft list chain inet HCI-prod input
ok "others' rules stay" nft list chain inet HCI-production forward
state >host.state
ok "again" stays apply host
nft delete rule inet HCI-prod output handle "$(nft -a list chain inet HCI-prod output | sed -n '/10.0.5.10/s/.* handle //p')"
sh host/apply.sh status >said
ok "a lost rule is shown" grep -q '^-chain output: ip saddr 10.0.5.10 goto out.ours' said
ok "and comes back" apply host
ok "as it was" same_as host.state
ok "a gateway's rules that nobody confirms end" fails sh first/apply.sh apply --within 1
ok "and leave what was there" same_as host.state
ok "a gateway's rules" apply first
ok "take its place" fails nft list chain inet HCI-prod input
ok "and are what their file says" sh first/apply.sh status
ok "and back" apply host
ok "without the gateway's hook" fails nft list chain inet HCI-prod forward
ok "as it was at first" same_as host.state
ok "remove the machine's" sh host/apply.sh remove
ok "leaves all as it was again" same_as nothing
echo "done"

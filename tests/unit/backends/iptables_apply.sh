# apply.sh of two policies, `first` and `second`, in a network namespace of its own.
# usage: V=nft|legacy sh iptables_apply.sh, in a folder with first/ and second/
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"

iptables -A FORWARD -s 192.0.2.1 -j ACCEPT
iptables -N HCI-production
iptables -A HCI-production -j RETURN
ipset create HCI-production.servers-v4 hash:net
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
until_waits iptables-HCI-prod
sh first/apply.sh confirm >/dev/null 2>&1
ok "an apply that somebody confirms succeeds" wait $!
ok "its state is the files'" sh first/apply.sh status
ok "names are dnsmasq's" cmp first/dnsmasq.conf root/etc/hcipolc/dnsmasq.d/iptables-HCI-prod.conf
state >first.state
ipset add HCI-prod.example-dns4 192.0.2.80
state >learnt.state
iptables -nvxL HCI-prod.flows >counters
ok "applying again changes nothing" stays apply first
ok "and it succeeds" test "$status" = 0
ok "and what dnsmasq learnt stays" grep -q 'add HCI-prod.example-dns4 192.0.2.80' before
ok "and FORWARD has one hook" test "$(iptables-save | grep -c 'FORWARD -j HCI-prod$')" = 1

# A policy without names gets those of the first.
with_names() {
  cp first/dnsmasq* "$1" && sed -i "s/^files='/&dnsmasq.conf dnsmasq-cache.conf /" "$1/apply.sh"
}
# What goes wrong at each step is taken back.
for broken in rules.v4 rules.v6 ipset dnsmasq.conf; do
  rm -rf third
  cp -r second third
  [ "$broken" != dnsmasq.conf ] || with_names third
  echo 'no such line' >>"third/$broken"
  [ "$broken" != rules.v4 ] && [ "$broken" != rules.v6 ] || sed -i 's/ACCEPT/NOSUCHTARGET/' "third/$broken"
  ok "a broken $broken is refused" fails apply third
  ok "a broken $broken leaves what was there" same_as learnt.state
  ok "a broken $broken leaves its names" cmp first/dnsmasq.conf root/etc/hcipolc/dnsmasq.d/iptables-HCI-prod.conf
done

# Who counts packets goes on counting where nothing changed.
iptables-save -c -t filter | sed 's/^\[0:0\] -A HCI-prod\.denied -p tcp/[7:9] -A HCI-prod.denied -p tcp/' | iptables-restore -c
ok "another policy is applied" apply second
ok "a chain that is the same is not touched" test "$(iptables-save -c | grep -c '^\[7:9\] -A HCI-prod.denied -p tcp')" = 1
ok "its state is its files'" sh second/apply.sh status
ok "chains that it does not have are gone" fails iptables -L HCI-prod.vendor
ok "sets that it does not have are gone" fails ipset list HCI-prod.example-dns4
ok "and its names are gone" fails ls root/etc/hcipolc/dnsmasq.d/iptables-HCI-prod.conf
ok "the first differs now" fails sh first/apply.sh status
ok "back to the first" apply first
ok "is as it was" same_as first.state

iptables -I HCI-prod.flows -s 198.51.100.1 -j ACCEPT
ipset add HCI-prod.servers-v4 198.51.100.2
sh first/apply.sh status >said
ok "a rule of somebody else is shown" grep -q '^+-A HCI-prod.flows -s 198.51.100.1/32' said
ok "a member of somebody else is shown" grep -q '^+HCI-prod.servers-v4 198.51.100.2' said
ok "applying takes both out" apply first
ok "and leaves what the files say" same_as first.state
iptables -D FORWARD -j HCI-prod
ok "a lost hook is shown" fails sh first/apply.sh status
ok "applying hooks again" apply first
ok "and that is all" same_as first.state

ok "it stays over a boot" sh first/apply.sh persist
ok "and again" sh first/apply.sh persist
ok "as these files" diff -r first root/etc/hcipolc/iptables-HCI-prod
ok "with a unit" grep -q '^ExecStart=/bin/sh /etc/hcipolc/iptables-HCI-prod/apply.sh apply --at-boot$' root/etc/systemd/system/hcipolc-iptables-HCI-prod.service
ok "that starts before the network" grep -q '^Before=network-pre.target' root/etc/systemd/system/hcipolc-iptables-HCI-prod.service
for chain in $(iptables-save | sed -n 's/^:\(HCI-prod[. ][^ ]*\|HCI-prod\) .*/\1/p'); do iptables -F "$chain"; done
ok "what is kept can be applied" apply root/etc/hcipolc/iptables-HCI-prod
ok "and is the same" same_as first.state

ok "what was there before ours is not asked for beside others" fails sh first/apply.sh remove --without-before
iptables -A FORWARD -j HCI-prod.flows
ok "what somebody else uses is not removed" fails sh first/apply.sh remove
iptables -D FORWARD -j HCI-prod.flows
ok "remove" sh first/apply.sh remove
ok "leaves the gateway as it was" same_as nothing
ok "and no file but the cache's" test "$(find root -type f | grep -cv 'lock$\|hcipolc-cache.conf$')" = 0
ok "remove again" sh first/apply.sh remove
echo "done"

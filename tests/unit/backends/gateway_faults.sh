# apply.sh where something fails, is killed, read-only or missing: `a` and `b` are clusters behind iptables, `n` is a's
# behind nftables, `later` is a's without names. In network and mount namespaces of its own.
# usage: V=nft sh gateway_faults.sh, in a folder with a/, b/, n/ and later/
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"
etc=$here/root/etc
names=$etc/hcipolc/dnsmasq.d
here_state >nothing

# ---- what is not a command, and what is not a whole folder
ok "no time is no time" fails sh a/apply.sh apply --within ''
ok "nor is a missing one" fails sh a/apply.sh apply --within
ok "nor one that is too long" fails sh a/apply.sh apply --within 999999
ok "for a boot that waits behind it" says 'usage: sh apply.sh' sh a/apply.sh apply --within 301
ok "and loads nothing" leaves nothing
for f in dnsmasq.conf rules.v6 ipset; do
  rm -rf part
  cp -r a part
  rm "part/$f"
  for c in check apply status persist; do ok "$c without $f is refused" says "no $f beside" sh part/apply.sh $c; done
done
cp -r later stale
cp a/dnsmasq.conf stale/
ok "a file of another revision" apply stale
ok "is not loaded" fails ls "$names"/*.conf
ok "its rules go" sh stale/apply.sh remove
ok "to the last" leaves nothing

ok "a" apply a
ok "n" apply n
here_state >loaded.state

# ---- who is killed while waiting
run=$here/root/run/hcipolc
env --default-signal=QUIT sh later/apply.sh apply --within 300 >applied 2>&1 &
until_waits iptables-HCI-prod
kill -USR1 $!
kill -ALRM $!
sleep 1
ok "what means nothing does not end it" test -e "$run/iptables-HCI-prod.waiting"
kill -QUIT $!
ok "Ctrl-\\ does" fails wait $!
ok "but not before all is taken back" grep -q 'interrupted; taken back' applied
ok "so it is" leaves loaded.state
second 5 # which outlives it
sh later/apply.sh apply --within 300 >applied 2>&1 &
until_waits iptables-HCI-prod
ok "Ctrl-Z does not stop it" grep -q 'SigIgn:.*[0-9a-f]*' /proc/$!/status
kill -TSTP $!
/bin/sleep 0.3
ok "it goes on" fails grep -q '^State:.*stopped' /proc/$!/status
kill -9 $!
wait $! 2>/dev/null
second 0.1
ok "status says so" says 'iptables-HCI-prod ended before it was done; what it loaded stands' sh b/apply.sh status
ok "nothing is confirmed then" says 'stands, unconfirmed' sh later/apply.sh confirm
ok "which is a failure" fails sh later/apply.sh confirm
ok "the next says so" says 'iptables-HCI-prod ended before it was done' apply a
ok "once" fails says 'ended before it was done' apply a
ok "nothing of it is left" test "$(ls "$run")" = lock
ok "what was there is loaded again" leaves loaded.state
sh later/apply.sh apply --within 300 >applied 2>&1 &
until_waits iptables-HCI-prod
ok "confirm waits for its answer" sh later/apply.sh confirm
ok "which is that all is done" grep -q 'HCI-prod: done' applied
wait
ok "back" apply a

# ---- a copy that a load left
ipset create HCI-prod.servers-v4-n hash:net
ipset add HCI-prod.servers-v4-n 192.0.2.1
ok "a load that nobody confirms is taken back all the same" says 'what was there before is back' sh later/apply.sh apply --within 1
leaves loaded.state >out || { echo "not ok with the copy gone" && cat out; }

# ---- several clusters: in the order of their names, whoever comes last
order() { iptables -S FORWARD | sed -n 's/^-A FORWARD -j //p' | tr '\n' ' '; }
ok "another cluster" apply b
ok "is asked first" test "$(order)" = "HCI-other HCI-prod "
sh a/apply.sh remove >/dev/null 2>&1
apply a >/dev/null 2>&1
ok "also if it came first" test "$(order)" = "HCI-other HCI-prod "
iptables -D FORWARD -j HCI-other
iptables -A FORWARD -j HCI-other
ok "another order is a difference" says 'FORWARD asks HCI-other behind HCI-prod' sh a/apply.sh status
ok "to both" says 'FORWARD asks HCI-prod before HCI-other' sh b/apply.sh status
ok "apply ends it" apply b
ok "so it does" test "$(order)" = "HCI-other HCI-prod "
iptables -I FORWARD -s 192.0.2.9 -j DROP
sh b/apply.sh status >said 2>&1
ok "one step puts ours first" sh -c "$(sed -n '/IPv4/,/puts it first/s/.*first again: //p' said | head -n 1)"
ok "before what was first" test "$(iptables -S FORWARD | sed -n 2,4p | tr '\n' ' ')" = "-A FORWARD -j HCI-other -A FORWARD -s 192.0.2.9/32 -j DROP -A FORWARD -j HCI-prod "
iptables -D FORWARD -s 192.0.2.9 -j DROP
iptables -I FORWARD 1 -s 192.0.2.8 -j DROP
iptables -D FORWARD -j HCI-prod
iptables -A FORWARD -j HCI-prod
here_state >placed
iptables -S FORWARD >placed.rules
ok "a load that is taken back" fails sh later/apply.sh apply --within 1
ok "leaves the hooks where they were" sh -c 'iptables -S FORWARD | diff placed.rules -'
iptables -D FORWARD -s 192.0.2.8 -j DROP

# ---- sets that were made otherwise
sh a/apply.sh remove >/dev/null 2>&1
sh b/apply.sh remove >/dev/null 2>&1
ipset create HCI-prod.www-dns4 hash:ip timeout 77 maxelem 1000
ipset add HCI-prod.www-dns4 192.0.2.33
ok "a set of another version" says 'maxelem 1000' sh a/apply.sh status
ok "is made anew" apply a
ok "as the files say" sh a/apply.sh status
ok "with what dnsmasq learnt" ipset test HCI-prod.www-dns4 192.0.2.33
sh a/apply.sh remove >/dev/null 2>&1
sh n/apply.sh remove >/dev/null 2>&1
nft 'table inet HCI-prod { set dns4.www { type ipv4_addr; flags dynamic,timeout; timeout 77s; }
  chain forward { type filter hook forward priority 10; ip daddr @dns4.www drop; }
  counter foreign { }
  limit slow { rate 1/second; }
}'
ok "check takes what can be made anew" sh n/apply.sh check
ok "what another version made, and others put there" apply n
ok "is as the file says" sh n/apply.sh status
sh n/apply.sh remove >/dev/null 2>&1
nft add table inet HCI-prod
nft add counter inet HCI-prod foreign
nft list table inet HCI-prod >was
ok "taken back" fails sh n/apply.sh apply --within 1
ok "it is there again" sh -c 'nft list table inet HCI-prod | diff was -'
nft delete table inet HCI-prod
leaves nothing || echo "not ok something stays"

# ---- what cannot be removed is said
ok "a again" apply a
iptables -N SITE
iptables -A SITE -m set --match-set HCI-prod.www-dns4 dst -j DROP
ok "a set that somebody uses keeps remove from success" fails sh a/apply.sh remove
ok "with its name" says 'names a set of HCI-prod' sh a/apply.sh remove
ok "apply of what does not have it too" says 'still used by' apply later
ok "which is a failure" fails apply later
iptables -F SITE
iptables -X SITE
ok "and none once it is not" apply a
ok "it stays over a boot" sh a/apply.sh persist
mount --bind root/etc root/etc && mount -o remount,bind,ro root/etc
ok "on a read-only /etc remove does not succeed" fails sh a/apply.sh remove
ok "and says what stays" says "NOT removed: .*$etc" sh a/apply.sh remove
umount root/etc
ok "it does later" sh a/apply.sh remove
mkdir few
ln -s /usr/bin/* /usr/sbin/* few/ 2>/dev/null
ln -sf "$here"/tools/* few/
cp -r a bare
sed -i '/^PATH=/d' bare/apply.sh
for tool in flock ipset iptables-save; do
  ok "a" apply a
  rm few/$tool
  ok "remove without $tool says so" env PATH="$here/few" sh -c '! sh bare/apply.sh remove >said 2>&1 && grep -q "not installed here" said'
  ln -s "$(command -v $tool)" few/$tool
done
ok "remove" sh a/apply.sh remove
ok "takes the bound of the cache with it" fails ls "$etc/dnsmasq.d/hcipolc-cache.conf"
echo 'max-ttl=3' >"$etc/dnsmasq.d/hcipolc-cache.conf"
apply later >/dev/null 2>&1
sh later/apply.sh remove >/dev/null 2>&1
ok "but not what is not ours" grep -q max-ttl=3 "$etc/dnsmasq.d/hcipolc-cache.conf"
rm "$etc/dnsmasq.d/hcipolc-cache.conf"

# ---- the variant was changed
[ "$V" = nft ] && other=legacy || other=nft
for t in iptables ip6tables; do "$t-$other-restore" --noflush <later/rules.${t#ip}; done 2>/dev/null
"iptables-$other" -N HCI-prod
ok "status names the variant that has ours" says "iptables-$other has chains of HCI-prod" sh later/apply.sh status
ok "remove does not say that all is gone" says "NOT removed: .*iptables-$other has chains" sh later/apply.sh remove
for t in iptables ip6tables; do "$t-$other" -F && "$t-$other" -X; done
ipset restore <a/ipset
"iptables-$other-restore" --noflush <a/rules.v4
ok "nor that somebody else uses a set of ours" says "names a set of HCI-prod; iptables-$other has chains .*let update-alternatives choose" sh a/apply.sh remove
"iptables-$other" -F && "iptables-$other" -X
sh a/apply.sh remove >said 2>&1
"ip6tables-$other" -P FORWARD DROP
ok "a policy of the other is warned of, in either family" says "iptables-$other has rules as well" sh later/apply.sh check
"ip6tables-$other" -P FORWARD ACCEPT
ok "or nothing is" fails says "has rules as well" sh later/apply.sh check
nft add table inet site
nft add chain inet site first '{ type filter hook forward priority 5; }'
ok "a table of nft itself is named" says "nft's table inet site: first is asked as well" sh later/apply.sh check
nft delete table inet site
nft add table ip mangle
nft add chain ip mangle site '{ type filter hook forward priority 5; }'
ok "so is a chain of nft itself in a table of iptables'" says "nft's table ip mangle: site is asked as well" sh later/apply.sh check
nft delete table ip mangle

# ---- dnsmasq as a whole
echo 'nonsense=1' >"$etc/dnsmasq.d/site.conf"
ok "check asks dnsmasq about all of its files" fails sh a/apply.sh check
ok "and does not blame ours" says 'would not start with all of its files' sh a/apply.sh check
ok "but names the line" grep -q "$etc/dnsmasq.d/site.conf" said
ok "apply as well" fails apply a
leaves nothing || echo "not ok something was loaded"
rm "$etc/dnsmasq.d/site.conf"

# ---- at boot
export HCIPOLC_SYSTEMCTL="$here/tools/systemctl"
printf '#!/bin/sh\necho "$@" >>%s/systemd\n[ ! -e %s/no.$2 ]\n' "$here" "$here" >tools/systemctl
chmod +x tools/systemctl
: >systemd
ok "a" apply a
ok "dnsmasq is restarted" grep -qx 'restart dnsmasq' systemd
ok "persist" sh a/apply.sh persist
: >systemd
rm "$etc/dnsmasq.d/hcipolc.conf"
ok "at boot" sh "$etc/hcipolc/iptables-HCI-prod/apply.sh" apply --at-boot
ok "nobody waits for dnsmasq" grep -qx -e '--no-block restart dnsmasq' systemd
unit=$etc/systemd/system/hcipolc-iptables-HCI-prod.service
ok "nor for ever" grep -q '^TimeoutStartSec=[0-9]' "$unit"
ok "it comes whenever somebody loads a ruleset" grep -q '^WantedBy=sysinit.target nftables.service netfilter-persistent.service' "$unit"
if command -v systemd-analyze >/dev/null; then
  SYSTEMD_LOG_LEVEL=warning systemd-analyze verify "$unit" >said 2>&1
  ok "systemd takes the unit" fails grep -q "$unit:" said
fi
ok "nothing differs" sh a/apply.sh status
: >no.is-enabled
ok "a unit that is not enabled is a difference" says 'is not enabled' sh a/apply.sh status
rm no.is-enabled
: >no.is-active
ok "a dnsmasq that does not run too" says 'does not run' sh a/apply.sh status
rm no.is-active
echo '#' >>"$unit"
ok "a unit that was changed too" says 'is not what' sh a/apply.sh status
sh a/apply.sh persist >/dev/null 2>&1
sh a/apply.sh status >/dev/null 2>&1 || echo "not ok persist does not mend it"
# Half is more than nothing where nobody looks.
kept=$etc/hcipolc/iptables-HCI-prod
for t in iptables ip6tables; do "$t" -F && "$t" -X; done
sed -i 's/^COMMIT$/-A HCI-prod -j NOSUCHTARGET\n&/' "$kept/rules.v6"
ok "a family that is not taken at boot fails the unit" fails sh "$kept/apply.sh" apply --at-boot
ok "the other is loaded" iptables -C FORWARD -j HCI-prod
mkdir -p "$kept.abcdef"
ln -s nowhere "$kept.fedcba.link"
: >"$unit.new"
ok "remove" sh a/apply.sh remove
ok "takes what was left behind" fails ls -d "$etc"/hcipolc "$unit"*
rm tools/systemctl
unset HCIPOLC_SYSTEMCTL
leaves nothing || echo "not ok something stays at the end"
echo "done"

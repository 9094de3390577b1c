# apply.sh of policies that own the filter table, and of one machine's, in a network namespace of its own.
# usage: V=nft|legacy sh iptables_apply_table.sh, in a folder with own/, next/, host/, alone/ and gateway/, and
# other/ and site/, another cluster's gateway and machine
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"

# Others have rules, a policy, a chain and a set.
iptables -P FORWARD DROP
iptables -N DOCKER-USER
iptables -A DOCKER-USER -s 192.0.2.1 -j ACCEPT
iptables -A FORWARD -j DOCKER-USER
ip6tables -A INPUT -s 2001:db8::1 -j DROP
ipset create others hash:net
iptables -A INPUT -m set --match-set others src -j DROP
state >nothing

ok "check changes nothing" stays sh own/apply.sh check
ok "check takes the files" test "$status" = 0
ok "and says what will go" grep -q '3 rules of others go from the filter table of IPv4' said
ok "no more than that" fails grep -q "INPUT's policy" said
ok "nobody confirms" fails sh own/apply.sh apply --within 1
ok "so what was there is there" same_as nothing
ok "and nothing is remembered" fails ls root/var/lib/hcipolc/HCI-prod

ok "the table is taken" apply own
ok "it is what the files say" sh own/apply.sh status
ok "others' rules are gone" fails iptables -L DOCKER-USER
ok "with FORWARD's policy" grep -q '^-P FORWARD DROP$' <<EOF
$(iptables -S FORWARD)
EOF
state >own.state
ok "applying again changes nothing" stays apply own
ok "and says of no rules of others" fails grep -q 'rules of others' said
ok "a policy beside others is refused" fails apply gateway
ok "and cannot remove it" fails sh gateway/apply.sh remove
ok "so is another cluster's" says "the whole filter table is HCI-prod's: remove that first" sh other/apply.sh apply --yes
ok "by check as well" says "the whole filter table is HCI-prod's" sh other/apply.sh check
ok "which changes nothing" same_as own.state

iptables -I FORWARD -s 198.51.100.1 -j ACCEPT
iptables -P INPUT DROP
sh own/apply.sh status >said
ok "a rule of somebody else is shown" grep -q '^+-A FORWARD -s 198.51.100.1/32 -j ACCEPT' said
ok "a changed policy is shown" grep -q '^--P INPUT ACCEPT' said
ok "applying takes both out" says "IPv4: INPUT's policy DROP becomes ACCEPT: the gateway itself is open" sh own/apply.sh apply --yes
ok "and leaves what the files say" same_as own.state

for broken in rules.v4 rules.v6 ipset; do
  rm -rf third
  cp -r next third
  echo 'no such line' >>"third/$broken"
  [ "$broken" = ipset ] || sed -i 's/ACCEPT$/NOSUCHTARGET/' "third/$broken"
  ok "a broken $broken is refused" fails apply third
  ok "a broken $broken leaves what was there" same_as own.state
done

iptables-save -c -t filter | sed 's/^\[0:0\] -A HCI-prod\.denied -p tcp/[7:9] -A HCI-prod.denied -p tcp/' | iptables-restore -c
ok "another policy is applied" apply next
ok "a chain that is the same is not touched" test "$(iptables-save -c | grep -c '^\[7:9\] -A HCI-prod.denied -p tcp')" = 1
ok "it is what its files say" sh next/apply.sh status
ok "what was here before is still known" grep -q DOCKER-USER root/var/lib/hcipolc/HCI-prod/filter.v4
ok "back to the first" apply own
ok "is as it was" same_as own.state
ok "it stays over a boot" sh own/apply.sh persist
for f in iptables ip6tables; do
  $f -F && $f -X && $f -P INPUT ACCEPT && $f -P FORWARD ACCEPT
done
ok "what is kept is loaded" apply root/etc/hcipolc/iptables-HCI-prod
ok "and is the same" same_as own.state
ok "what was here before the first is known after a boot" grep -q DOCKER-USER root/var/lib/hcipolc/HCI-prod/filter.v4
ok "remove" sh own/apply.sh remove
ok "leaves all as it was" same_as nothing
ok "and no file" test "$(find root -type f | grep -cv 'lock$')" = 0
ok "remove again" sh own/apply.sh remove
[ "$V" = nft ] && other=legacy || other=nft
"iptables-$other" -A OUTPUT -d 192.0.2.7 -j ACCEPT
sh own/apply.sh check >said 2>&1
ok "rules of the other variant are warned of" grep -q "warning: iptables-$other has rules as well" said
"iptables-$other" -D OUTPUT -d 192.0.2.7 -j ACCEPT
ok "changes nothing" same_as nothing

# What was here is written before ours is loaded, whole or not at all.
before=root/var/lib/hcipolc/HCI-prod
sh own/apply.sh apply --within 300 >applied 2>&1 &
until_waits iptables-HCI-prod
ok "what was here is kept before anything is confirmed" grep -q DOCKER-USER "$before/filter.v4"
ok "who waits says that the table is to be left alone" grep -q 'let nobody else change' applied
kill -9 $!
wait $! 2>/dev/null
ok "so a load whose apply was killed can be taken off" sh own/apply.sh remove
ok "and all is as it was" same_as nothing
# Nor does what cannot be taken back cost it.
cat >tools/broken <<TEXT
#!/bin/sh
[ ! -e $here/no.restore ] && exec iptables-$V-restore "\$@"
TEXT
chmod +x tools/broken
ln -sf broken tools/iptables-restore
sh own/apply.sh apply --within 300 >applied 2>&1 &
until_waits iptables-HCI-prod
: >no.restore
kill -TERM $!
wait $!
rescue=root/run/hcipolc/not-taken-back.iptables-HCI-prod
ok "what cannot be taken back is said" grep -q "NOT all of it could be taken back: .* is in $here/$rescue" applied
ok "and would be mended by what is there" grep -q DOCKER-USER "$rescue/old.4"
ok "or by what remove brings back" grep -q DOCKER-USER "$before/filter.v4"
rm no.restore
ln -sf "$(command -v "iptables-$V-restore")" tools/iptables-restore
ok "which it does" sh own/apply.sh remove
ok "so that all is as it was" same_as nothing
ok "and nothing else is kept" fails ls "$rescue"

# It may name what is gone.
ok "the table is taken again" apply own
ipset destroy others
state >own.state
ok "what cannot be brought back is said" says "does not take what was here before, $here/$before/filter.v4" sh own/apply.sh remove
ok "and nothing is removed" same_as own.state
ok "unless that is wanted" sh own/apply.sh remove --without-before
ok "then nothing denies" test "$(iptables -S)" = "-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT"
ok "and nothing is kept" fails ls root/var/lib/hcipolc
ipset create others hash:net
iptables -P FORWARD DROP
iptables -N DOCKER-USER
iptables -A DOCKER-USER -s 192.0.2.1 -j ACCEPT
iptables -A FORWARD -j DOCKER-USER
iptables -A INPUT -m set --match-set others src -j DROP
ip6tables -A INPUT -s 2001:db8::1 -j DROP
ok "all is as it was before that" same_as nothing

# A table that iptables cannot show is not empty.
if [ "$V" = nft ]; then
  nft add rule ip filter FORWARD ct state vmap '{ established : accept, invalid : drop }'
  nft -s list ruleset >unseen
  for folder in own gateway; do
    for c in check 'apply --yes' status remove; do
      ok "$folder: no $c where rules of nft itself are" says 'cannot read .*the rules of IPv4' sh $folder/apply.sh $c
    done
  done
  ok "which are there after all that" sh -c 'nft -s list ruleset | diff unseen -'
  nft delete rule ip filter FORWARD handle "$(nft -a list chain ip filter FORWARD | sed -n 's/.*ct state vmap.* handle //p')"
  ok "and without them it can be read" same_as nothing
fi

ipset restore <own/ipset
iptables-restore <own/rules.v4
ip6tables-restore <own/rules.v6
sh own/apply.sh remove >said 2>&1
ok "of a load by hand nobody knows what was here" grep -q 'before is not known' said
ok "but no denial of ours is left" test "$(iptables -S FORWARD)" = "-P FORWARD ACCEPT"
iptables-save -t filter | grep -q HCI && echo "not ok chains of ours are left"
iptables -P FORWARD DROP
iptables -N DOCKER-USER
iptables -A DOCKER-USER -s 192.0.2.1 -j ACCEPT
iptables -A FORWARD -j DOCKER-USER
iptables -A INPUT -m set --match-set others src -j DROP
ip6tables -A INPUT -s 2001:db8::1 -j DROP
ok "all is as it was again" same_as nothing
mkdir -p root/var/lib/hcipolc
if mount -t tmpfs -o size=4k,nr_inodes=4 none root/var/lib/hcipolc; then
  yes | head -c 4096 >root/var/lib/hcipolc/full
  ok "where it cannot be kept nothing is loaded" fails apply own
  ok "nothing at all" same_as nothing
  umount root/var/lib/hcipolc
fi
ok "the table" apply own
: >"$before/filter.v4"
sh own/apply.sh remove >said 2>&1
ok "half of what was here is not brought back" grep -q 'IPv4 before is not known' said
iptables-save -t filter | grep -q HCI && echo "not ok chains of ours are left"
iptables -P FORWARD DROP
iptables -N DOCKER-USER
iptables -A DOCKER-USER -s 192.0.2.1 -j ACCEPT
iptables -A FORWARD -j DOCKER-USER
iptables -A INPUT -m set --match-set others src -j DROP
ok "and the other half is" same_as nothing
ok "the table again" apply own
iptables -A FORWARD -s 198.51.100.7 -j ACCEPT
apply own >said 2>&1
ok "what others added since goes for good" grep -q 'go from the filter table of IPv4 for good' said
ok "what was before them comes back" sh own/apply.sh remove
ok "as it was before all" same_as nothing

# A machine beside others.
ok "a machine's rules" apply host
ok "are what the files say" sh host/apply.sh status
ok "INPUT leads to them first" test "$(iptables -S INPUT | sed -n 2p)" = "-A INPUT -j HCI-prod.in"
ok "OUTPUT too" test "$(ip6tables -S OUTPUT | sed -n 2p)" = "-A OUTPUT -j HCI-prod.out"
ok "others' rules stay" iptables -C INPUT -m set --match-set others src -j DROP
state >host.state
ok "again" stays apply host
iptables -D OUTPUT -j HCI-prod.out
sh host/apply.sh status >said
ok "a lost hook is shown" grep -q '^--A OUTPUT -j HCI-prod.out$' said
ok "and comes back" apply host
iptables -D INPUT -j HCI-prod.in
iptables -I INPUT -j HCI-prod.in
ok "as it was" same_as host.state
ok "a gateway's rules under the same name" apply gateway
ok "take its place" fails iptables -C INPUT -j HCI-prod.in
ok "and are what their files say" sh gateway/apply.sh status
ok "and back" apply host
ok "without the gateway's hook" fails iptables -C FORWARD -j HCI-prod
ok "another cluster's rules for the machine" apply site
ok "are asked first, as their name says" test "$(iptables -S INPUT | sed -n 2,3p)" = "-A INPUT -j HCI-other.in
-A INPUT -j HCI-prod.in"
iptables -D INPUT -j HCI-other.in
iptables -A INPUT -j HCI-other.in
ok "another order is a difference" says 'INPUT asks HCI-other.in behind HCI-prod.in' sh host/apply.sh status
ok "so there is no whole table for one of them" says 'HCI-other has chains in it: remove that first' sh alone/apply.sh check
ok "nor does apply take it" fails apply alone
ok "remove the other's" sh site/apply.sh remove
ok "remove the machine's" sh host/apply.sh remove
ok "leaves all as it was again" same_as nothing

# A machine alone, after chains beside others: those are not brought back.
ok "a machine's rules again" apply host
ok "then the whole table, without what was here" says 'of others go from the filter table of IPv4, until' sh alone/apply.sh apply --yes
ok "is what the files say" sh alone/apply.sh status
ok "policies and all" test "$(iptables -S | grep -c -e '-P [A-Z]* DROP')" = 3
ok "remove it" sh alone/apply.sh remove
ok "leaves all as it was once more" same_as nothing
echo "done"

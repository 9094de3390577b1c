# apply.sh of folders as they are built, each for itself in a network namespace: loaded, it is what its files say, and
# can be kept.
# usage: V=nft|legacy sh gateway_examples.sh FOLDER…, anywhere
# Writes `ok …` or `not ok …` for each check, and `done`.
. "$(dirname "$0")/iptables_apply_common.sh"
for folder in "$@"; do
  name=${folder#*/examples/}
  ok "$name: check" sh "$folder/apply.sh" check
  ok "$name: apply" sh "$folder/apply.sh" apply --yes
  ok "$name: status" sh "$folder/apply.sh" status
  ok "$name: persist" sh "$folder/apply.sh" persist
  ok "$name: remove" sh "$folder/apply.sh" remove
done
ok "no rule is left" test "$(iptables-save | grep -c '^-A')" = 0
echo "done"

// Written out once more, so that a change of what is printed does not pass unseen.
#include "backends/palo_alto/read_shell.h"

namespace hcipol::backends::palo_alto {

const ShellLines& api_shell_function() {
  static const ShellLines lines{
      "api() {",
      "  query=$1; shift",
      R"(  answer=$(printf 'X-PAN-KEY: %s\n' "$KEY" | curl -sS -H @- "https://$HOST/api/$query" "$@") || return 2)",
      R"(  printf '%s\n' "$answer")",
      "  case $answer in",
      R"(    *'<response status="success"'*) return 0 ;;)",
      R"(    *'code="16"'*|*'code="403"'*|*"code = '403'"*|*'Invalid Credential'*) return 2 ;;)",
      "  esac",
      "  return 1",
      "}"};
  return lines;
}
// Fails likewise, but not for a lock that is one's own already.
const ShellLines& lock_shell_function() {
  static const ShellLines lines{
      "lock() {",
      R"(  : "${ADMIN:?}")",
      R"(  api "" --data-urlencode "type=op" --data-urlencode "cmd=<request><commit-lock><add></add></commit-lock></request>" && return)",
      "  case $answer in",
      R"(    *'already own'*|*"already held by $ADMIN"[\<\ \"]*|*"already held by $ADMIN".[\<\ \"]*) ;;)",
      "    *'already held by'*)",
      R"(      echo 'the lock is held: if by yourself, give it up (request commit-lock remove) and run again' >&2)",
      "      return 1 ;;",
      "    *) return 1 ;;",
      "  esac",
      "}"};
  return lines;
}
// Fails likewise, but not for a rule that is where it shall be.
const ShellLines& move_shell_function() {
  static const ShellLines lines{"move() {", R"(  api "" "$@" && return)",
                                "  case $answer in *'already at the top'*) ;; *) return 1 ;; esac",
                                "}"};
  return lines;
}
// Fails unless the job has ended and found nothing.
const ShellLines& validate_shell_function() {
  static const ShellLines lines{
      "validate() {",
      R"(  api "" --data-urlencode "type=op" --data-urlencode "cmd=<validate><full></full></validate>" || return 1)",
      "  job=${answer#*<job>}; job=${job%%</job>*}",
      "  case $job in ''|*[!0-9]*) return 1 ;; esac",
      R"(  while api "" --data-urlencode "type=op" --data-urlencode "cmd=<show><jobs><id>$job</id></jobs></show>"; do)",
      "    case $answer in",
      "      *'<status>FIN</status>'*'<result>OK</result>'*) return 0 ;;",
      "      *'<result>OK</result>'*'<status>FIN</status>'*) return 0 ;;",
      "      *'<status>FIN</status>'*) break ;;",
      "    esac",
      "    sleep 5",
      "  done",
      "  echo 'not valid: do not commit' >&2",
      "  return 1",
      "}"};
  return lines;
}
// Goes on where an entry is refused, and ends where no answer can be had.
const ShellLines& remove_shell_function() {
  static const ShellLines lines{
      "remove() {",
      R"(  api "" --data-urlencode "type=config" --data-urlencode "action=delete" --data-urlencode "xpath=$1" && return)",
      "  [ $? -eq 1 ] || exit 1",
      R"(  echo "refused: $name" >&2)",
      "  return 1",
      "}"};
  return lines;
}

}  // namespace hcipol::backends::palo_alto

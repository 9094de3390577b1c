// The program: the real files, streams, clock and environment, and nothing else.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "driver/environment.h"

namespace {

std::string read_stdin() {
  std::string text;
  char buffer[1 << 16];
  std::size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) text.append(buffer, n);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const auto files = hcipol::disk();
  hcipol::driver::Environment environment;
  environment.files = files.get();
  environment.read_stdin = read_stdin;
  environment.out = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); };
  environment.err = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
  for (const char* name : {"SOURCE_DATE_EPOCH", "NO_COLOR", "CLICOLOR_FORCE", "TERM"}) {
    if (const char* value = std::getenv(name)) environment.variables[name] = value;
  }
  environment.stderr_is_terminal = ::isatty(STDERR_FILENO) != 0;
  environment.today = hcipol::today();
  environment.threads = std::max(1u, std::thread::hardware_concurrency());
  const int code = hcipol::driver::run({argv + 1, argv + argc}, environment);
  // An answer that could not be written is no answer.
  return std::fflush(stdout) == 0 || code != 0 ? code : 3;
}

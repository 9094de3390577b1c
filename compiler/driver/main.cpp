// The program: the real files, streams, clock and environment, and nothing else.
#include <unistd.h>
#ifdef HCIPOL_MIMALLOC
#include <mimalloc.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "driver/environment.h"

namespace {

// A compilation makes and drops millions of small texts and lists, for which glibc's allocator
// takes a third of all its time; linking mimalloc replaces it. Ten thousand rules touch 100 MB: in
// pages of 4 KB that is 27,000 faults, so the kernel is asked for pages of 2 MB, and before the
// first library allocates anything.
#ifdef HCIPOL_MIMALLOC
void ask_for_large_pages() {
  mi_option_enable(mi_option_large_os_pages);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_all)() = ask_for_large_pages;
#endif

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
  environment.run_program = hcipol::run_program;
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
  const bool answered = std::fflush(stdout) == 0;
  // Taking apart what the command left is work for nothing: the memory goes with the process.
  std::_Exit(answered || code != 0 ? code : 3);
}

// The program: the real files, streams, clock and environment, and nothing else.
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
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

// Ten thousand rules touch 100 MB, each page once: in pages of 4 KB that is 27,000 faults and a
// third of the time. So the heap is made large before it is used, and the kernel asked for pages of
// 2 MB. Untouched it is only address space; where there is not so much of that, nothing changes.
void prepare_heap() {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
  constexpr std::size_t room = std::size_t{256} << 20;
  // Small commands do without: clearing one large page is a tenth of a cold start.
  constexpr std::size_t small = std::size_t{1} << 20;
  mallopt(M_MMAP_MAX, 0);              // everything comes from the heap,
  mallopt(M_TRIM_THRESHOLD, INT_MAX);  // which never shrinks
  void* const heap = std::malloc(room);
  if (heap == nullptr) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(heap) + small) & ~(page - 1);
  ::madvise(reinterpret_cast<void*>(begin), room - small, MADV_HUGEPAGE);
  std::free(heap);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  prepare_heap();
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

// Both outputs are read as they come: a program that fills one pipe must not wait for the other.
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "support/text.h"

namespace hcipol {

namespace {

/// The two ends of a pipe; what is still open is closed.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool good() const { return ends_[0] >= 0; }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_reader() { shut(ends_[0]); }
  void close_writer() { shut(ends_[1]); }

 private:
  static void shut(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

// In the child: only calls that are safe between fork and exec.
[[noreturn]] void become(char* const* words, const Pipe& out, const Pipe& err,
                         const Pipe& failure) {
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(out.writer(), STDOUT_FILENO);
  ::dup2(err.writer(), STDERR_FILENO);
  ::execvp(words[0], words);
  const int why = errno;
  const auto told = ::write(failure.writer(), &why, sizeof why);
  ::_exit(told == sizeof why ? 127 : 126);
}

void read_all(Pipe& out, std::string& out_text, Pipe& err, std::string& err_text) {
  std::array<pollfd, 2> waiting{pollfd{out.reader(), POLLIN, 0}, pollfd{err.reader(), POLLIN, 0}};
  const std::array<std::string*, 2> texts{&out_text, &err_text};
  std::array<char, 1 << 16> buffer;
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      const auto n = ::read(waiting[i].fd, buffer.data(), buffer.size());
      if (n > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(n));
      } else if (n == 0 || errno != EINTR) {
        waiting[i].fd = -1;  // poll passes over it
      }
    }
  }
}

int exit_code(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::optional<Finished> run_program(const std::vector<std::string>& words, std::string& error) {
  const auto because = [&](int code) {
    error = to_lower(std::generic_category().message(code));
    return std::nullopt;
  };
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  Pipe out, err, failure;
  if (!out.good() || !err.good() || !failure.good()) return because(errno);
  const pid_t child = ::fork();
  if (child < 0) return because(errno);
  if (child == 0) become(arguments.data(), out, err, failure);
  out.close_writer();
  err.close_writer();
  failure.close_writer();

  Finished finished;
  read_all(out, finished.out, err, finished.err);
  int why = 0;
  const bool failed = ::read(failure.reader(), &why, sizeof why) == sizeof why;
  finished.exit = exit_code(child);
  if (failed) return because(why);
  return finished;
}

}  // namespace hcipol

// Ties the driver's environment to strings.
#include "tests/support/session.h"

#include "driver/environment.h"

namespace hcipol::test {

std::optional<std::string> TestFiles::read(const std::string& path, std::string& error) const {
  if (unreadable.contains(normal_path(path))) {
    error = "permission denied";
    return std::nullopt;
  }
  return memory_.read(path, error);
}

bool TestFiles::write(const std::string& path, std::string_view text, std::string& error) {
  if (unwritable.contains(normal_path(path))) {
    error = "permission denied";
    return false;
  }
  return memory_.write(path, text, error);
}

bool TestFiles::remove(const std::string& path, std::string& error) {
  if (unwritable.contains(normal_path(path))) {
    error = "permission denied";
    return false;
  }
  return memory_.remove(path, error);
}

Outcome Session::run(const std::vector<std::string>& arguments) {
  Outcome outcome;
  driver::Environment environment;
  environment.files = &files;
  environment.read_stdin = [&] { return stdin_text; };
  environment.run_program = run_program;
  environment.out = [&](std::string_view text) { outcome.out += text; };
  environment.err = [&](std::string_view text) { outcome.err += text; };
  environment.variables = variables;
  environment.today = today;
  environment.threads = threads;
  environment.backends = backends;
  outcome.exit = driver::run(arguments, environment);
  return outcome;
}

}  // namespace hcipol::test

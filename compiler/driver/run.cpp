// One command line, from its words to its exit code.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "driver/command_line.h"
#include "driver/commands.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

constexpr std::array table{
    Command{"check", "read a policy and say what is wrong with it", run_check},
    Command{"build", "check, then write what the devices take", run_build},
    Command{"why", "is a flow allowed, and by what: hcipolc why 'wac -> servers on tcp/5986'",
            run_why},
    Command{"show", "the expanded rules, as tables, a matrix or a page", run_show},
    Command{"test", "run the tests beside a policy (*.test.hcipol)", run_test},
    Command{"plan", "what a change opens and closes, compared with a commit", run_plan},
    Command{"diff", "the same between any two policies: hcipolc diff A B", run_diff},
    Command{"doc", "every feature of a module, as a page: hcipolc doc std/hci/21h2", run_doc},
    Command{"fmt", "put files into canonical layout", run_fmt},
    Command{"explain", "the long form of a diagnostic: hcipolc explain E0402", run_explain},
    Command{"targets", "the devices, their options and what each can express", run_targets},
    Command{"graph", "features, modules or roles, as a Graphviz graph", run_graph},
    Command{"import", "a feature from a list that others publish: hcipolc import endpoints FILE",
            run_import},
    Command{"lock", "hold on to the library and the data files, or accept new ones", run_lock},
    Command{"version", "the version of this compiler", run_version},
};

// A day that SOURCE_DATE_EPOCH cannot mean must not be taken for today.
bool good_epoch(const Environment& environment, Reporter& reporter) {
  const auto epoch = environment.variables.find("SOURCE_DATE_EPOCH");
  if (epoch == environment.variables.end() || epoch->second.empty()) return true;
  if (parse_epoch(epoch->second)) return true;
  reporter.report<Diag::bad_command_line>(
      Span{}, fmt::format("SOURCE_DATE_EPOCH is `{}`, which is no number of seconds since 1970",
                          one_line(epoch->second, 40)));
  return false;
}

int report_bug(Environment& environment, std::string_view what) {
  environment.err(
      fmt::format("hcipolc has a bug: {}\nNothing was written. Please report this with the policy "
                  "that shows it.\n",
                  what));
  return exit_bug;
}

int run_words(const std::vector<std::string>& words, Environment& environment) {
  Reporter reporter;
  const auto parsed = read_command_line(words, reporter);
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    environment.out(answer->text);
    return exit_fine;
  }
  const auto* options = std::get_if<Options>(&parsed);
  if (options == nullptr || !good_epoch(environment, reporter)) {
    finish(options == nullptr ? Options{} : *options, environment, reporter, SourceMap());
    return exit_usage;
  }
  const auto command = std::find_if(
      table.begin(), table.end(), [&](const Command& row) { return row.name == options->command; });
  return command->run(*options, environment);
}

}  // namespace

std::span<const Command> commands() {
  return table;
}

int run(const std::vector<std::string>& arguments, Environment& environment) {
  try {
    return run_words(arguments, environment);
  } catch (const Bug& bug) {
    return report_bug(environment, bug.what());
  } catch (const std::bad_alloc&) {
    environment.err("hcipolc ran out of memory; nothing was written\n");
    return exit_usage;
  } catch (const std::exception& error) {
    return report_bug(environment, error.what());
  }
}

}  // namespace hcipol::driver

// lapsectl, the command line client. Exit codes are those of cli/errors.h.

#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "cli/app.h"
#include "cli/context.h"
#include "cli/errors.h"

namespace {

// Columns of the terminal behind standard output; 0 where it is none.
size_t TerminalWidth() {
  constexpr size_t kDefaultColumns = 80;
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kDefaultColumns;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  lapse::cli::Context context(std::cout, std::cerr, TerminalWidth());
  const auto app = lapse::cli::MakeApp(context);
  const int exit = lapse::cli::Run(*app, context, argc, argv);
  std::cout.flush();
  if (std::cout.good()) return exit;
  std::cerr << "Cannot write the result to standard output.\n";
  return exit == lapse::cli::kExitOk ? lapse::cli::kExitRefused : exit;
}

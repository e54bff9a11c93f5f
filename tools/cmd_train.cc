// `sooner train`: hands over to sooner-train, which holds LibTorch, as git starts its commands.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "command.h"
#include "core/error.h"
#include "trainer_program.h"

namespace sooner {

void add_train(CLI::App& app) {
  // Everything after `train` belongs to sooner-train, --help included.
  app.allow_extras();
  app.prefix_command();
  app.set_help_flag();
  app.callback([&app] {
    std::vector<std::string> words = app.remaining();
    std::string program = trainer_program();
    std::vector<char*> arguments{program.data()};
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::fflush(stdout);
    ::execvp(program.c_str(), arguments.data());
    fail(Code::kFailedPrecondition,
         "[train] starting '{}' failed: {}; this build has no trainer: build with -DSOONER_TRAIN=ON", program,
         std::strerror(errno));
  });
}

}  // namespace sooner

// Classifies a picture of nothing (mid-grey): enough to see that an installed library is found, linked and runs.
#include <sooner/model.h>
#include <sooner/model_file.h>
#include <sooner/session.h>
#include <sooner/version.h>

#include <cstdio>
#include <exception>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: classify MODEL.safetensors\n");
    return 2;
  }
  const auto model = sooner::Model::load(argv[1]);
  const std::vector<uint8_t> grey(static_cast<size_t>(sooner::element_count(model->graph().input_shape)), 128);
  sooner::Session session(model);
  const auto answers = session.run(sooner::preprocess(model->manifest().preprocessing, grey), 1);
  std::printf("sooner %d.%d.%d, backend %s: class %d from exit %d of %zu\n", SOONER_VERSION_MAJOR, SOONER_VERSION_MINOR,
              SOONER_VERSION_PATCH, model->backend_name().c_str(), answers[0].label, answers[0].exit_index,
              model->stages());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "classify: %s\n", error.what());
  return 1;
}

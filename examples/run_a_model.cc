// Loads a model and classifies one picture.
#include <sooner/sooner.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: run_a_model MODEL.safetensors PICTURE\n");
    return 2;
  }
  const auto model = sooner::Model::load(argv[1]);
  const sooner::Manifest& manifest = model->manifest();
  std::vector<uint8_t> pixels(static_cast<size_t>(sooner::element_count(manifest.graph.input_shape)));
  sooner::read_image_file(argv[2], manifest.graph.input_shape, pixels);  // JPEG or PNG, scaled and cropped
  sooner::Session session(model);                                        // with the policy that the file holds
  const sooner::Result answer = session.run(sooner::preprocess(manifest.preprocessing, pixels), 1)[0];
  const auto label = static_cast<size_t>(answer.label), exit = static_cast<size_t>(answer.exit_index);
  const std::string said = manifest.quantity ? std::to_string(answer.number) : manifest.class_names[label];
  std::printf("%s, from exit %zu of %zu, for %.0f %% of the plain network's MACs\n", said.c_str(), exit,
              model->stages(), 100 * model->cost().exit_fraction[exit]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "run_a_model: %s\n", error.what());
  return 1;
}

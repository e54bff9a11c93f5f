#include "train/gradient_norms.h"
#include "graph/parameters.h"

namespace sooner {

std::vector<std::pair<std::string, double>> gradient_norms(const GraphModule& module) {
  std::vector<std::pair<std::string, double>> norms;
  for (const GraphModule::Parameter& parameter : module.parameters()) {
    const at::Tensor& gradient = parameter.value.grad();
    if (parameter.spec.kind != ParameterKind::kWeight || !gradient.defined()) continue;
    norms.emplace_back(parameter.spec.name, gradient.norm().item<double>());
  }
  return norms;
}

}  // namespace sooner

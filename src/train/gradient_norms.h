// How strongly each layer is pulled, by depth: whether gradients vanish on their way to the first ones.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "train/graph_module.h"

namespace sooner {

// Name and L2 norm of the gradient of every convolution's and linear layer's weight that has one, in the graph's order:
// that of the last backward pass, before the optimiser adds weight decay.
std::vector<std::pair<std::string, double>> gradient_norms(const GraphModule& module);

}  // namespace sooner

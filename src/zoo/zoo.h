// Ready backbones by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "graph/graph.h"

namespace sooner {

// B-LeNet of BranchyNet (Teerapittayanon et al., 2016), pooling rounded up, its branch left out: conv5@5x5 p3, pool,
// ReLU, conv10@5x5 p3, pool, ReLU, conv20@5x5 p3, pool, ReLU, linear 84, linear. For 1x28x28 and ten classes:
// 1,140,070 MACs. The branch point is "conv1".
Graph b_lenet(const Shape& input_shape, int64_t classes);

// CIFAR ResNet of depth 6n+2 (He et al., 2016): widths base_width times 1, 2, 4, 1x1 convolution shortcuts, torchvision
// names ("conv1", "bn1", "layer1.0.conv1", …, "fc"). ResNet-20 on 3x32x32: 40.8 M MACs. Exits stand at "layer1.0",
// "layer1.1", …: the blocks' final ReLU.
Graph resnet_cifar(int64_t depth, const Shape& input_shape, int64_t classes, int64_t base_width = 16);

// "b-lenet"; "resnet20" (any resnet<6n+2>); "plainnet20" (the same without shortcuts, as He et al. compare with). The
// latter two take a base width, "resnet8:w8"; plainnet goes without batch normalisation, too: "plainnet56:no-bn".
// Throws kInvalidArgument, naming the known ones.
Graph backbone_from_string(std::string_view name, const Shape& input_shape, int64_t classes);

// What a trainer's config names; see place_exits and head_from_string.
struct NetworkDescription {
  std::string backbone = "resnet20";
  std::string exits = "fractions:.30,.65";
  std::string head = "conv-gap-fc";  // one description for every exit, or as many, separated by ';'
  std::string gate = "both";         // none | features | scores | both
  bool cascade = false;              // heads also read the exit before
};

// Plain when description.exits is "none".
Graph build_network(const NetworkDescription& description, const Shape& input_shape, int64_t classes);

}  // namespace sooner

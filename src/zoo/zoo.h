// Ready backbones by name.
#pragma once

#include <optional>
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

// A family and, behind ':', what distinguishes the member; names of parameters are torchvision's where it has it:
//   b-lenet, b-alexnet                     BranchyNet's, without their branches
//   alexnet-cifar                          of Pomponi et al. (2022)
//   resnet20 (any resnet<6n+2>)[:w8]       for CIFAR; base width 16 unless given
//   plainnet20[:w8][:no-bn]                the same without shortcuts, as He et al. compare with
//   resnet18, resnet34 [:cifar]            cifar: a 3x3 first convolution and no pooling
//   vgg11, vgg13, vgg16 [:bn][:cifar]      cifar: one linear layer in place of three; dropout is left out
//   mobilenetv2[:w0.5][:cifar]             any width multiplier; cifar: fewer strides
//   shufflenetv2[:w0.5|w1|w1.5|w2][:cifar] cifar: fewer strides
//   squeezenet1.1
//   swift[:w48][:d3][:s16]                 wide 3x3 convolutions, pooled early; width 64 and two a group unless given;
//   s: a
//                                          side branch for exits to stand at, "side1" and "side2"
// Throws kInvalidArgument, naming the known ones.
Graph backbone_from_string(std::string_view name, const Shape& input_shape, int64_t classes);

// Well-known ones, without what may stand behind ':'.
const std::vector<std::string>& backbone_names();

// What a trainer's config names; see place_exits and head_from_string.
struct NetworkDescription {
  std::string backbone = "resnet20";
  std::string exits = "fractions:.30,.65";
  std::string head = "conv-gap-fc";  // one description for every exit, or as many, separated by ';'
  std::string gate = "both";         // none | features | scores | both
  bool cascade = false;              // heads also read the exit before
};

// none | features | scores | both. Throws kInvalidArgument.
std::optional<Gate> gate_from_string(std::string_view text);

// A plain network with the description's exits, whatever its backbone; plain when description.exits is "none".
Graph attach_described(const Graph& plain, const NetworkDescription& description);

// The same, of the description's backbone.
Graph build_network(const NetworkDescription& description, const Shape& input_shape, int64_t classes);

}  // namespace sooner

// The families of backbones, one file each; zoo.cc finds them by name. Every function throws kInvalidArgument, naming
// what is wrong, for words it does not know and pictures it has no layer for. Words are taken from `variant`.
//
// Names of parameters are torchvision's where it has the network.
#pragma once

#include "graph/graph_builder.h"
#include "zoo/variant.h"

namespace sooner {

// lenet.cc, alexnet.cc
Graph b_lenet_family(Variant& variant, const Shape& input_shape, int64_t classes);
Graph b_alexnet_family(Variant& variant, const Shape& input_shape, int64_t classes);
Graph alexnet_cifar_family(Variant& variant, const Shape& input_shape, int64_t classes);
// resnet.cc: "resnet18", "resnet34"[:cifar]; "resnet20", "plainnet20" and every other 6n+2 [:w<width>][:no-bn]
Graph resnet_family(Variant& variant, const Shape& input_shape, int64_t classes);
// vgg.cc: "vgg11", "vgg13", "vgg16"[:bn][:cifar]
Graph vgg_family(Variant& variant, const Shape& input_shape, int64_t classes);
// mobilenet.cc: "mobilenetv2"[:w<multiplier>][:cifar]
Graph mobilenet_family(Variant& variant, const Shape& input_shape, int64_t classes);
// shufflenet.cc: "shufflenetv2"[:w0.5|w1|w1.5|w2][:cifar]
Graph shufflenet_family(Variant& variant, const Shape& input_shape, int64_t classes);
// swift.cc: "swift"[:w<width>][:d<convolutions a group>][:s<width of a side branch>]
Graph swift_family(Variant& variant, const Shape& input_shape, int64_t classes);
// squeezenet.cc: "squeezenet1.1"
Graph squeezenet_family(Variant& variant, const Shape& input_shape, int64_t classes);

}  // namespace sooner

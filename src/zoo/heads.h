// Heads: the small networks that answer at an exit. All end in one linear layer of `classes` outputs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph_builder.h"

namespace sooner {

// Parses a head description:
//   gap-fc                    global average pool, linear
//   pool-fc[:S]               mixed pool to S x S (default 4; alpha learned), linear           (Shallow-Deep Networks)
//   conv-gap-fc[:C]           3x3 conv, stride 2, C channels (default 64, more for many classes), batch norm, ReLU,
//                             global average pool, linear
//   conv2-fc[:C]              two 3x3 convs, stride 2, C channels (default 128, more for many classes), batch norm,
//   ReLU
//                             each, average pool 2 where the map still has two rows and columns, linear        (MSDNet)
//   branchy[:a,b,c]           an explicit list, flattened and closed by a linear layer. Items:
//                             conv<C>@<K>[p<P>][s<S>], maxpool<K>[s<S>], avgpool<K>[s<S>] (both round up), bn, relu,
//                             gap, fc<F>. Default: BranchyNet's for LeNet, maxpool2,relu,conv10@3p1,maxpool2,relu
// Throws kInvalidArgument naming the part that does not fit and what would.
// The default channels of heads with convolutions grow as the root of the classes above ten, in steps of 16: a hundred
// classes have 208 for 64.
HeadFunction head_from_string(std::string_view description);

// The names head_from_string knows.
const std::vector<std::string>& head_names();

}  // namespace sooner

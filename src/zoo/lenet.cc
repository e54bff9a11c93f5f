#include "zoo/families.h"
#include "zoo/zoo.h"

namespace sooner {

Graph b_lenet(const Shape& input_shape, int64_t classes) {
  GraphBuilder b("b-lenet", input_shape, classes);
  const PoolAttributes halve = pool(2, 2, 0, true);
  NodeId x = b.input();
  int64_t index = 0;
  for (const int64_t channels : {5, 10, 20}) {
    const std::string suffix = std::to_string(++index);
    x = b.conv2d("conv" + suffix, x, conv(channels, 5, 1, 3));
    x = b.max_pool("pool" + suffix, x, halve);
    x = b.relu("relu" + suffix, x);
  }
  x = b.linear("fc1", b.flatten("flatten", x), 84);
  return b.finish(b.linear("fc2", x, classes));
}

Graph b_lenet_family(Variant& variant, const Shape& input_shape, int64_t classes) {
  variant.expect_no_more("nothing more");
  return b_lenet(input_shape, classes);
}

}  // namespace sooner

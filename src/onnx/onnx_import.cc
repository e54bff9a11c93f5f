#include "onnx/onnx_import.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/file.h"
#include "onnx/import_operation.h"
#include "onnx/importer.h"

namespace sooner {
namespace {

void read_node(Importer& importer, const onnx::NodeProto& proto) {
  OnnxNode node(importer.file(), proto);
  if (!proto.domain().empty() && proto.domain() != "ai.onnx") {
    node.unsupported(fmt::format("is of '{}', expected ONNX's own operations", OnnxFile::shown(proto.domain())));
  }
  const ImportOperation* operation = find_import_operation(node.op());
  if (operation == nullptr) node.unsupported(import_remedy(node.op()));
  try {
    operation->read(importer, node);
  } catch (const Error& error) {
    // What the network's own rules refuse, under the name that the file's owner knows.
    if (error.code() != Code::kInvalidArgument) throw;
    node.unsupported(error.what());
  }
  node.expect_no_more();
}

}  // namespace

ImportedNetwork import_onnx(std::span<const std::byte> bytes, const std::string& name,
                            const std::filesystem::path& folder, const ImportOptions& options) {
  const OnnxFile file(bytes, name, folder);
  Importer importer(file, options);
  for (const onnx::NodeProto* node : importer.needed_nodes()) {
    if (!importer.is_skipped(node)) read_node(importer, *node);
  }
  return importer.finish();
}

ImportedNetwork import_onnx(const std::filesystem::path& path, const ImportOptions& options) {
  const MappedFile file = map_file(path);
  std::filesystem::path folder = path.parent_path();
  if (folder.empty()) folder = ".";
  return import_onnx(file.bytes(), path.string(), folder, options);
}

}  // namespace sooner

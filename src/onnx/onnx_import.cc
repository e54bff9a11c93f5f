#include "onnx/onnx_import.h"

#include "core/file.h"
#include "onnx/importer.h"

namespace sooner {

ImportedNetwork import_onnx(std::span<const std::byte> bytes, const std::string& name,
                            const std::filesystem::path& folder, const ImportOptions& options) {
  const OnnxFile file(bytes, name, folder);
  return Importer(file, options).run();
}

ImportedNetwork import_onnx(const std::filesystem::path& path, const ImportOptions& options) {
  const MappedFile file = map_file(path);
  std::filesystem::path folder = path.parent_path();
  if (folder.empty()) folder = ".";
  return import_onnx(file.bytes(), path.string(), folder, options);
}

}  // namespace sooner

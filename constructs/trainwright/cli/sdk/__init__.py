"""What the SageMaker Python SDK would send for what its classes were given, computed without the SDK."""

from trainwright.cli.sdk.objects import Imported, Rendered, SdkObject, SdkRefusal, read_objects

__all__ = ["Imported", "Rendered", "SdkObject", "SdkRefusal", "read_objects"]

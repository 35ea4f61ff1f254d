// ObjectDetection

/** The release of Kubernetes that the sandbox's behaviour was compared with. */
export const KUBERNETES_RELEASE = 'v1.37.2';

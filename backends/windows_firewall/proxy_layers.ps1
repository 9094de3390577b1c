# ---- the engine, proxy settings: reading and writing them; the same in every script -------------
# Windows keeps four of them. WinINet is what the source document sets; WinHTTP is what services
# ask, the environment what agents and command lines ask, and the Azure Arc agent has its own.

$internetSettings = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$internetPolicy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'
# The services of the agent that policies say something about. Others are the administrator's.
$arcServices = @('AAD', 'ARM', 'Arc')

function Get-RegistryValue {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Key,

        [Parameter(Mandatory = $true)]
        [string] $Name
    )
    if (Test-Path -LiteralPath $Key) {
        $item = Get-ItemProperty -LiteralPath $Key -ErrorAction Stop
        Get-PropertyValue -InputObject $item -Name $Name
    }
}

function ConvertFrom-ConnectionSetting {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyCollection()]
        [object[]] $Setting
    )
    # WinINet and WinHTTP write the same form: version, counter and flags of four bytes each, then
    # texts with their length before them. Flags: 2 a proxy, 4 a script, 8 detection.
    $state = @{ Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
    $bytes = [byte[]] @($Setting | Where-Object { $null -ne $_ })
    if ($bytes.Length -lt 12) {
        return $state
    }
    $flags = [System.BitConverter]::ToInt32($bytes, 8)
    $texts = @('', '', '')
    $at = 12
    for ($i = 0; $i -lt 3 -and $at + 4 -le $bytes.Length; $i++) {
        $length = [System.BitConverter]::ToInt32($bytes, $at)
        if ($length -lt 0 -or $length -gt $bytes.Length - $at - 4) {
            break
        }
        $texts[$i] = [System.Text.Encoding]::ASCII.GetString($bytes, $at + 4, $length)
        $at += 4 + $length
    }
    if (($flags -band 2) -ne 0) {
        $state['Server'] = $texts[0]
        $state['Bypass'] = $texts[1]
    }
    if (($flags -band 4) -ne 0) {
        $state['Script'] = $texts[2]
    }
    $state['Detect'] = "$(($flags -band 8) -ne 0)"
    $state
}

function Invoke-ProxyTool {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Name,

        [Parameter(Mandatory = $true)]
        [string[]] $Argument
    )
    # Every argument stays one argument: no shell stands between. Without a console what a tool says
    # beside its output becomes an error, which is none: its exit code alone counts.
    $ErrorActionPreference = 'Continue'
    $output = & $Name @Argument
    if ($LASTEXITCODE -ne 0) {
        throw ('{0} {1} failed with code {2}.' -f $Name, ($Argument -join ' '), $LASTEXITCODE)
    }
    "$output"
}

function Get-ArcAgent {
    [CmdletBinding()]
    [OutputType([string])]
    param ()
    # What starts the agent; '' if there is none. A session that is older than the agent does not
    # have its folder in PATH.
    if ($null -ne (Get-Command -Name 'azcmagent.exe' -ErrorAction SilentlyContinue)) {
        return 'azcmagent.exe'
    }
    if ("$env:ProgramW6432" -ne '') {
        $folder = [System.IO.Path]::Combine($env:ProgramW6432, 'AzureConnectedMachineAgent')
        $path = [System.IO.Path]::Combine($folder, 'azcmagent.exe')
        if ([System.IO.File]::Exists($path)) {
            return $path
        }
    }
    ''
}

function Select-ArcService {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        # 'AAD,ARM', '[AAD ARM]' or '["AAD","ARM"]'.
        [Parameter(Mandatory = $true)]
        [AllowNull()]
        [AllowEmptyString()]
        [string] $Text,

        # Those that policies say nothing about, in place of those that they do.
        [Parameter()]
        [switch] $IsOther
    )
    $words = @($Text -split '[^A-Za-z0-9_.-]+' | Where-Object { $_ -ne '' })
    $words = @($words | Where-Object { ($_ -in $arcServices) -ne [bool] $IsOther })
    @($words | Sort-Object -Unique) -join ','
}

function Get-ArcState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    $agent = Get-ArcAgent
    if ($agent -eq '') {
        return
    }
    $get = @('config', 'get')
    $url = Invoke-ProxyTool -Name $agent -Argument ($get + 'proxy.url')
    $state = @{ Server = $url.Trim([char[]] ' []"') }
    try {
        $text = Invoke-ProxyTool -Name $agent -Argument ($get + 'proxy.bypass')
        $state['Bypass'] = Select-ArcService -Text $text
        $state['Others'] = Select-ArcService -Text $text -IsOther
    }
    catch {
        # Agents before 1.15 do not know it, and nobody sets it there.
        $text = Invoke-ProxyTool -Name $agent -Argument @('version')
        $version = ($text -replace '^\D*([0-9]+\.[0-9]+).*$', '$1') -as [version]
        if ($null -eq $version -or $version -ge [version] '1.15') {
            throw
        }
        $state.Remove('Bypass')
    }
    $state
}

function Get-ProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer
    )
    # Nothing for a part that this server does not have.
    switch ($Layer) {
        'WinINet' {
            if ("$(Get-RegistryValue -Key $internetPolicy -Name 'ProxySettingsPerUser')" -ne '0') {
                return @{ Scope = 'User'; Server = ''; Bypass = ''; Script = ''; Detect = 'False' }
            }
            $value = Get-RegistryValue -Key $internetSettings -Name 'DefaultConnectionSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            $state['Scope'] = 'Machine'
            return $state
        }
        'WinHTTP' {
            $value = Get-RegistryValue -Key $internetSettings -Name 'WinHttpSettings'
            $state = ConvertFrom-ConnectionSetting -Setting $value
            if ($state['Script'] -ne '' -or $state['Detect'] -eq 'True') {
                $text = 'WinHTTP has a script or automatic detection: a proxy that is set takes'
                Write-Warning -Message ($text + ' their place, and Remove does not bring them back.')
            }
            return @{ Server = $state['Server']; Bypass = $state['Bypass'] }
        }
        'Environment' {
            $state = @{}
            foreach ($name in @('HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY')) {
                $state[$name] = "$([System.Environment]::GetEnvironmentVariable($name, 'Machine'))"
            }
            return $state
        }
        'Azure Arc agent' {
            return (Get-ArcState)
        }
    }
}

function Get-WantedProxyState {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Proxy
    )
    if ($Proxy['Settings'] -ne 'Set') {
        return @{}
    }
    $url = 'http://{0}' -f $Proxy['Server']
    $list = $Proxy['WindowsBypass'] -join ';'
    @{
        'WinINet'         = @{
            Scope  = 'Machine'
            Server = $Proxy['Server']
            Bypass = $list
            Script = ''
            Detect = 'False'
        }
        'WinHTTP'         = @{ Server = $Proxy['Server']; Bypass = $list }
        'Environment'     = @{
            HTTP_PROXY  = $url
            HTTPS_PROXY = $url
            NO_PROXY    = $Proxy['EnvironmentBypass'] -join ','
        }
        'Azure Arc agent' = @{ Server = $url; Bypass = $Proxy['ArcBypass'] -join ',' }
    }
}

function Write-ProxyState {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Layer,

        [Parameter(Mandatory = $true)]
        [hashtable] $State
    )
    switch ($Layer) {
        'WinINet' {
            # Without arguments it goes back to settings of each user's own.
            $parameters = @{}
            if ($State['Scope'] -eq 'Machine') {
                $parameters['ProxySettingsPerUser'] = 0
                if ($State['Server'] -ne '') {
                    $parameters['ProxyServer'] = $State['Server']
                }
                if ($State['Bypass'] -ne '') {
                    $parameters['ProxyBypass'] = $State['Bypass']
                }
                if ($State['Script'] -ne '') {
                    $parameters['AutoConfigURL'] = $State['Script']
                }
                if ($State['Detect'] -eq 'True') {
                    $text = 'WinINet: automatic detection was on and stays off now.'
                    Write-Warning -Message $text -WarningAction Continue
                }
            }
            Set-WinInetProxy @parameters -ErrorAction Stop | Out-Null
        }
        'WinHTTP' {
            $arguments = @('winhttp', 'reset', 'proxy')
            if ($State['Server'] -ne '') {
                $arguments = @('winhttp', 'set', 'proxy', "proxy-server=$($State['Server'])")
                if ($State['Bypass'] -ne '') {
                    $arguments += "bypass-list=$($State['Bypass'])"
                }
            }
            Invoke-ProxyTool -Name 'netsh.exe' -Argument $arguments | Out-Null
        }
        'Environment' {
            foreach ($name in @($State.Keys | Sort-Object)) {
                $value = $State[$name]
                if ("$value" -eq '') {
                    # Newer versions of .NET keep a variable that is empty.
                    $value = [NullString]::Value
                }
                [System.Environment]::SetEnvironmentVariable($name, $value, 'Machine')
            }
            $text = 'Services that run keep the former proxy variables until they are restarted'
            $text += ' (of the Azure Arc agent himds, ExtensionService and GCArcService).'
            Write-Warning -Message $text -WarningAction Continue
        }
        'Azure Arc agent' {
            # What is right already is not asked for, nor what the agent does not know.
            $agent = Get-ArcAgent
            $current = Get-ArcState
            foreach ($pair in @(@('proxy.url', 'Server'), @('proxy.bypass', 'Bypass'))) {
                $key = $pair[1]
                $value = "$($State[$key])"
                if ($key -eq 'Bypass') {
                    $value = Select-ArcService -Text $value
                }
                $isKnown = $current.ContainsKey($key) -and $State.ContainsKey($key)
                if (-not $isKnown -or $value -eq $current[$key]) {
                    continue
                }
                if ($key -eq 'Bypass') {
                    $services = @($value, $current['Others'] | Where-Object { $_ -ne '' })
                    $value = $services -join ','
                }
                $arguments = @('config', 'set', $pair[0], $value)
                if ($value -eq '') {
                    $arguments = @('config', 'clear', $pair[0])
                }
                Invoke-ProxyTool -Name $agent -Argument $arguments | Out-Null
            }
        }
    }
}
